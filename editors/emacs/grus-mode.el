;;; grus-mode.el --- Models of recurrent networks -*- lexical-binding: t -*-
;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; Version: 0.2.0
;; Package-Requires: ((emacs "26.1"))

;;; Commentary:
;; Colours, indentation and comments of .grus files; `eglot' is told of the language server
;; (`grus lsp'), which has diagnostics, fixes, hints, completion, rename and formatting.

;;; Code:

(defconst grus-structure '("grus" "use" "param" "block" "model"))
(defconst grus-statements
  '("in" "out" "let" "weights" "ranges" "precision" "allow" "every" "time"))
(defconst grus-types '("f32" "f16" "i8" "i16" "i32" "u8" "u16" "index"))

(defconst grus-font-lock
  `(("##.*$" 0 font-lock-doc-face t)
    (,(concat "\\_<" (regexp-opt grus-structure t) "\\_>[ \t]*\\([A-Za-z_][A-Za-z0-9_]*\\)?")
     (1 font-lock-keyword-face) (2 font-lock-type-face nil t))
    ("\\_<\\(in\\|out\\|let\\)\\_>[ \t]+\\([A-Za-z_][A-Za-z0-9_]*\\)"
     (1 font-lock-keyword-face) (2 font-lock-variable-name-face))
    (,(concat "\\_<" (regexp-opt grus-statements t) "\\_>") . font-lock-keyword-face)
    (,(concat "\\_<" (regexp-opt grus-types t) "\\_>") . font-lock-type-face)
    ("|>[ \t\n]*\\([A-Za-z_][A-Za-z0-9_]*\\)" 1 font-lock-function-name-face)
    ("\\_<\\([A-Za-z_][A-Za-z0-9_]*\\)(" 1 font-lock-function-name-face)
    ("\\_<\\([A-Za-z_][A-Za-z0-9_]*\\)=[^ \t\n]" 1 font-lock-constant-face)))

(defvar grus-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?_ "_" table)
    (modify-syntax-entry ?\" "\"" table)
    table))

(defun grus-indent-line ()
  "Indent by brackets, and lines that begin with `|>' by one step more."
  (interactive)
  (let* ((pipe (save-excursion (back-to-indentation) (looking-at "|>")))
         (closes (save-excursion (back-to-indentation) (looking-at "[])}]")))
         (depth (save-excursion (back-to-indentation) (car (syntax-ppss))))
         (steps (max 0 (+ depth (if closes -1 0) (if pipe 1 0)))))
    (save-excursion (indent-line-to (* 2 steps)))
    (when (< (current-column) (current-indentation)) (back-to-indentation))))

;;;###autoload
(define-derived-mode grus-mode prog-mode "grus"
  "Major mode for models of recurrent networks."
  (setq-local font-lock-defaults '(grus-font-lock))
  (setq-local comment-start "# ")
  (setq-local comment-start-skip "#+ *")
  (setq-local indent-line-function #'grus-indent-line)
  (setq-local compile-command
              (concat "grus check --diagnostics=gcc "
                      (and buffer-file-name (shell-quote-argument buffer-file-name)))))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.grus\\'" . grus-mode))

(with-eval-after-load 'eglot
  (defvar eglot-server-programs)
  (add-to-list 'eglot-server-programs '(grus-mode . ("grus" "lsp"))))

(provide 'grus-mode)
;;; grus-mode.el ends here
