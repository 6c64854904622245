;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; emacs --batch -L editors/emacs -l emacs.el FILE: faces of words, and that indentation keeps a
;; formatted file as it is.
(setq byte-compile-error-on-warn t
      byte-compile-dest-file-function (lambda (_) (make-temp-file "grus-mode" nil ".elc")))
(let ((source (locate-library "grus-mode.el")))
  (unless (byte-compile-file source) (kill-emacs 1)))
(require 'grus-mode)
(with-current-buffer (find-file-noselect (car command-line-args-left))
  (princ (format "%s\n" major-mode))
  (font-lock-ensure)
  (goto-char (point-min))
  (while (not (eobp))
    (let ((face (get-text-property (point) 'face))
          (next (next-single-property-change (point) 'face nil (point-max))))
      (when face
        (princ (format "%s: %s\n" (replace-regexp-in-string "\n" " " (buffer-substring (point) next)) face)))
      (goto-char next)))
  (let ((before (buffer-string)))
    (let ((inhibit-message t)) (indent-region (point-min) (point-max)))
    (princ (if (equal-including-properties (substring-no-properties before)
                                           (substring-no-properties (buffer-string)))
               "indentation: as it was\n"
             (format "indentation differs:\n%s" (buffer-string))))))
(setq command-line-args-left nil)
