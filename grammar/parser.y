/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Grammar of grus, version 1. LALR(1) without conflicts or precedences: every statement starts with
 * a keyword, so newlines are white space, no terminator is needed, and an error resynchronises at
 * the next keyword. Chains append to one flat node. */
%require "3.8"
%expect 0
%define api.pure full
%define api.prefix {parser_}
%define api.location.type {Span}
%define api.token.prefix {TOK_}
%define parse.error custom
%define parse.lac full
%define parse.lac.es-capacity-initial "4000"
%locations
%param { Parser *p }

%code requires {
#include "front/parser.h"
}

%code {
/* The depth of the stack is bounded by the nesting of brackets, so it needs no heap. */
#define YYINITDEPTH 4000
#define YYMAXDEPTH  4000
#define YYMALLOC(n) ((void)(n), NULL)
#define YYFREE(q)   ((void)(q))

#define YYLLOC_DEFAULT(cur, rhs, n)                                                                \
  ((cur).file = YYRHSLOC(rhs, (n) ? 1 : 0).file,                                                   \
   (cur).begin = (n) ? YYRHSLOC(rhs, 1).begin : YYRHSLOC(rhs, 0).end,                              \
   (cur).end = YYRHSLOC(rhs, n).end)

static int parser_lex(PARSER_STYPE *value, Span *at, Parser *p);
static void parser_error(Span *at, Parser *p, const char *why);

#define NIL(at)              node_new(p, N_NIL, at)
#define BAD(at)              node_new(p, N_BAD, at)
#define KID(parent, kid)     node_add(p, parent, kid)
#define NAMED(kind, at, tok) node_named(p, kind, at, tok.text, tok.span)
#define PLAIN(kind, at)      node_new(p, kind, at)

static Node *documented(Node *node, Token keyword) {
  node->doc = keyword.doc ? keyword.doc->text : NULL;
  return node;
}

/* Brackets around an expression belong to its span. */
static Node *bracketed(Node *node, Span at) {
  node->span = at;
  node->brackets = true;
  return node;
}

/* What was to be defined where a statement is given up stays defined, as N_BAD: its uses are no
 * mistakes. */
static Node *lost(Parser *p, Node *list, Span at) {
  if (p->defining) node_add(p, list, node_named(p, N_BAD, at, p->defining, at));
  p->defining = NULL;
  return list;
}

/* A statement that is broken behind its `=`: its name, and its type where one is written, stand. */
static Node *kept(Parser *p, Node *node) {
  p->defining = NULL;
  return node;
}

static Node *spanned(Node *node, Span at) {
  node->span = at;
  return node;
}
}

%union { Token token; Node *node; }

%token <token> GRUS "`grus`" USE "`use`" PARAM "`param`" BLOCK "`block`" MODEL "`model`"
%token <token> IN "`in`" OUT "`out`" LET "`let`" WEIGHTS "`weights`" RANGES "`ranges`"
%token <token> PRECISION "`precision`" ALLOW "`allow`" EVERY "`every`" TIME "`time`" INDEX "`index`"
%token <token> PIPE "`|>`" LE "`<=`" DOTDOT "`..`"
%token <token> IDENT "a name" INT "an integer" FLOAT "a number" STRING "a string"
%token <token> QTY "a quantity such as 16kHz" DTYPE "an element type" BAD_NUMBER "no number"
%token END 0 "end of file"

%type <token> use param block model in out let
%type <node> items item use_item param_item formals formal_list formal body stmts stmt init
%type <node> opt_type type elem shape axes axis span opt_rate opt_every opt_convention names
%type <node> dim dims dterm dterms dfac number
%type <node> expr pipe sum sums term terms factor primary stage call args arg_list arg tuple

%%

file
  : GRUS INT items                      { p->file = $3; $3->span = @$; $3->at = @1; $3->at.end = @2.end;
                                          $3->i = 1; }
  ;

items
  : %empty                              { $$ = PLAIN(N_FILE, @$); }
  | items item                          { $$ = KID($1, $2); }
  | items error                         { $$ = lost(p, $1, @2); }
  ;

item
  : use_item
  | param_item
  | block IDENT formals body            { $$ = documented(KID(KID(NAMED(N_BLOCK, @$, $2), $3), $4), $1); }
  | block error body                    { $$ = BAD(@$); }
  | model IDENT body                    { $$ = documented(KID(NAMED(N_MODEL, @$, $2), $3), $1); }
  | model error body                    { $$ = BAD(@$); }
  ;

use_item
  : use STRING                          { $$ = documented(NAMED(N_USE, @$, $2), $1); }
  ;

param_item
  : param IDENT init                    { $$ = documented(KID(NAMED(N_PARAM, @$, $2), $3), $1); }
  ;

/* After a keyword errors are reported again. */
use   : USE   { yyerrok; } ;
param : PARAM { yyerrok; } ;
block : BLOCK { yyerrok; } ;
model : MODEL { yyerrok; } ;
in    : IN    { yyerrok; } ;
out   : OUT   { yyerrok; } ;
let   : LET   { yyerrok; } ;

init
  : %empty                              { $$ = NIL(@$); }
  | '=' expr                            { $$ = $2; }
  ;

formals
  : %empty                              { $$ = PLAIN(N_FORMALS, @$); }
  | '(' ')'                             { $$ = PLAIN(N_FORMALS, @$); }
  | '(' formal_list ')'                 { $$ = spanned($2, @$); }
  | '(' formal_list ',' ')'             { $$ = spanned($2, @$); }
  | '(' error ')'                       { $$ = BAD(@$); }
  ;

formal_list
  : formal                              { $$ = KID(PLAIN(N_FORMALS, @$), $1); }
  | formal_list ',' formal              { $$ = KID($1, $3); }
  ;

formal
  : IDENT init                          { $$ = KID(NAMED(N_FORMAL, @$, $1), $2); }
  ;

body
  : '{' stmts '}'                       { $$ = spanned($2, @$); yyerrok; }
  ;

stmts
  : %empty                              { $$ = PLAIN(N_BODY, @$); }
  | stmts stmt                          { $$ = KID($1, $2); }
  | stmts error                         { $$ = lost(p, $1, @2); }
  ;

stmt
  : in IDENT opt_type opt_every         { $$ = documented(KID(KID(NAMED(N_IN, @$, $2), $3), $4), $1); }
  | out IDENT opt_type '=' expr         { $$ = documented(KID(KID(NAMED(N_OUT, @$, $2), $3), $5), $1); }
  | let IDENT opt_type '=' expr         { $$ = documented(KID(KID(NAMED(N_LET, @$, $2), $3), $5), $1); }
  | out IDENT opt_type '=' error        { $$ = KID(KID(kept(p, NAMED(N_OUT, @$, $2)), $3), BAD(@5)); }
  | let IDENT opt_type '=' error        { $$ = KID(KID(kept(p, NAMED(N_LET, @$, $2)), $3), BAD(@5)); }
  | WEIGHTS opt_convention STRING       { $$ = KID(NAMED(N_WEIGHTS, @$, $3), $2); }
  | RANGES STRING                       { $$ = NAMED(N_RANGES, @$, $2); }
  | PRECISION expr                      { $$ = KID(PLAIN(N_PRECISION, @$), $2); }
  | ALLOW names                         { $$ = spanned($2, @$); }
  | use_item
  | param_item
  ;

opt_convention
  : %empty                              { $$ = NIL(@$); }
  | IDENT                               { $$ = NAMED(N_NAME, @$, $1); }
  ;

names
  : IDENT                               { $$ = KID(PLAIN(N_ALLOW, @$), NAMED(N_NAME, @1, $1)); }
  | names ',' IDENT                     { $$ = KID($1, NAMED(N_NAME, @3, $3)); }
  ;

opt_every
  : %empty                              { $$ = NIL(@$); }
  | EVERY dim                           { $$ = $2; }
  ;

/* types and sizes */

opt_type
  : %empty                              { $$ = NIL(@$); }
  | ':' type                            { $$ = $2; }
  ;

type
  : elem                                { $$ = KID(KID(PLAIN(N_TYPE, @$), $1), NIL(@$)); }
  | elem shape                          { $$ = KID(KID(PLAIN(N_TYPE, @$), $1), $2); }
  ;

elem
  : DTYPE                               { $$ = NAMED(N_ELEM, @$, $1); }
  | INDEX '(' dim ')'                   { $$ = KID(PLAIN(N_INDEX, @$), $3); }
  | INDEX '(' error ')'                 { $$ = KID(PLAIN(N_INDEX, @$), BAD(@3)); }
  ;

shape
  : '[' axes ']'                        { $$ = spanned($2, @$); }
  | '[' axes ',' ']'                    { $$ = spanned($2, @$); }
  | '[' error ']'                       { $$ = BAD(@$); }
  ;

axes
  : axis                                { $$ = KID(PLAIN(N_SHAPE, @$), $1); }
  | axes ',' axis                       { $$ = KID($1, $3); }
  ;

axis
  : dim                                 { $$ = KID(node_named(p, N_AXIS, @$, NULL, @$), $1); }
  | IDENT dim                           { $$ = KID(NAMED(N_AXIS, @$, $1), $2); }
  | TIME span opt_rate                  { $$ = KID(KID(node_named(p, N_TIME, @$, NULL, @1), $2), $3); }
  ;

span
  : dim
  | LE dim                              { $$ = KID(node_named(p, N_UPTO, @$, NULL, @1), $2); }
  | IDENT LE dim                        { $$ = KID(NAMED(N_UPTO, @$, $1), $3); }
  | DOTDOT                              { $$ = KID(node_named(p, N_STREAM, @$, NULL, @1), NIL(@1)); }
  | DOTDOT '/' dim                      { $$ = KID(node_named(p, N_STREAM, @$, NULL, @1), $3); }
  ;

opt_rate
  : %empty                              { $$ = NIL(@$); }
  | '@' dfac                            { $$ = $2; }
  ;

/* Integer arithmetic over literals and params. No calls, no unary minus, so that `mel 40` and
 * `mel (n+1)` can be nothing but a label and a size. */
dim : dterm | dims ;
dims
  : dterm '+' dterm                     { $$ = node_chain(p, N_SUM, $1, "+", @2, $3); }
  | dterm '-' dterm                     { $$ = node_chain(p, N_SUM, $1, "-", @2, $3); }
  | dims '+' dterm                      { $$ = node_chain_add(p, $1, "+", @2, $3); }
  | dims '-' dterm                      { $$ = node_chain_add(p, $1, "-", @2, $3); }
  ;

dterm : dfac | dterms ;
dterms
  : dfac '*' dfac                       { $$ = node_chain(p, N_PRODUCT, $1, "*", @2, $3); }
  | dfac '/' dfac                       { $$ = node_chain(p, N_PRODUCT, $1, "/", @2, $3); }
  | dterms '*' dfac                     { $$ = node_chain_add(p, $1, "*", @2, $3); }
  | dterms '/' dfac                     { $$ = node_chain_add(p, $1, "/", @2, $3); }
  ;

dfac
  : number
  | IDENT                               { $$ = NAMED(N_NAME, @$, $1); }
  | '(' dim ')'                         { $$ = bracketed($2, @$); }
  ;

number
  : INT                                 { $$ = node_number(p, N_INT, @$, $1.text); }
  | QTY                                 { $$ = node_number(p, N_QTY, @$, $1.text); }
  | BAD_NUMBER                          { $$ = BAD(@$); }
  ;

/* expressions */

expr : sum | pipe ;

pipe
  : sum PIPE stage                      { $$ = KID(KID(PLAIN(N_PIPE, @$), $1), $3); $3->pipe = @2; }
  | pipe PIPE stage                     { $$ = spanned(KID($1, $3), @$); $3->pipe = @2; }
  ;

stage
  : IDENT                               { $$ = NAMED(N_STAGE, @$, $1); }
  | call
  | error                               { $$ = BAD(@$); }
  ;

call
  : IDENT '(' args ')'                  { $$ = spanned($3, @$); $$->text = $1.text; $$->at = @1; }
  ;

args
  : %empty                              { $$ = PLAIN(N_STAGE, @$); }
  | arg_list
  | arg_list ','
  | error                               { $$ = KID(PLAIN(N_STAGE, @$), BAD(@$)); }
  ;

arg_list
  : arg                                 { $$ = KID(PLAIN(N_STAGE, @$), $1); }
  | arg_list ',' arg                    { $$ = KID($1, $3); }
  ;

arg
  : expr                                { $$ = KID(node_named(p, N_ARG, @$, NULL, @$), $1); }
  | IDENT '=' expr                      { $$ = KID(NAMED(N_ARG, @$, $1), $3); }
  ;

sum : term | sums ;
sums
  : term '+' term                       { $$ = node_chain(p, N_SUM, $1, "+", @2, $3); }
  | term '-' term                       { $$ = node_chain(p, N_SUM, $1, "-", @2, $3); }
  | sums '+' term                       { $$ = node_chain_add(p, $1, "+", @2, $3); }
  | sums '-' term                       { $$ = node_chain_add(p, $1, "-", @2, $3); }
  ;

term : factor | terms ;
terms
  : factor '*' factor                   { $$ = node_chain(p, N_PRODUCT, $1, "*", @2, $3); }
  | factor '/' factor                   { $$ = node_chain(p, N_PRODUCT, $1, "/", @2, $3); }
  | terms '*' factor                    { $$ = node_chain_add(p, $1, "*", @2, $3); }
  | terms '/' factor                    { $$ = node_chain_add(p, $1, "/", @2, $3); }
  ;

factor
  : primary
  | '-' factor                          { $$ = KID(node_named(p, N_NEG, @$, NULL, @1), $2); }
  ;

primary
  : IDENT                               { $$ = NAMED(N_NAME, @$, $1); }
  | IDENT '.' IDENT                     { $$ = KID(NAMED(N_FIELD, @$, $1), NAMED(N_NAME, @3, $3)); }
  | call
  | number
  | FLOAT                               { $$ = node_number(p, N_FLOAT, @$, $1.text); }
  | STRING                              { $$ = NAMED(N_STRING, @$, $1); }
  | DTYPE                               { $$ = NAMED(N_DTYPE, @$, $1); }
  | TIME                                { $$ = NAMED(N_TIME_NAME, @$, $1); }
  | shape
  | '(' expr ')'                        { $$ = bracketed($2, @$); }
  | '(' tuple ')'                       { $$ = spanned($2, @$); }
  | '(' tuple ',' ')'                   { $$ = spanned($2, @$); }
  | '(' error ')'                       { $$ = BAD(@$); }
  ;

tuple
  : expr ',' expr                       { $$ = KID(KID(PLAIN(N_TUPLE, @$), $1), $3); }
  | tuple ',' expr                      { $$ = KID($1, $3); }
  ;

%%

static int parser_lex(PARSER_STYPE *value, Span *at, Parser *p) {
  value->token = token_next(p);
  *at = value->token.span;
  return value->token.kind;
}

/* Only for an exhausted stack: everything else goes through the function below. */
static void parser_error(Span *at, Parser *p, const char *why) {
  (void)why;
  if (!p->stop) diag_new(p->diags, E111, *at, "this is nested too deeply");
}

/* The token kinds of the characters and names a message may list. */
static int symbol_token(yysymbol_kind_t symbol) {
  for (int t = 0; t < (int)(sizeof yytranslate); t++)
    if ((yysymbol_kind_t)yytranslate[t] == symbol) return t;
  return -1;
}

static int yyreport_syntax_error(const yypcontext_t *context, Parser *p) {
  enum { MAX = 64 };
  yysymbol_kind_t symbol[MAX];
  int expected[MAX];
  int n = yypcontext_expected_tokens(context, symbol, MAX);
  for (int i = 0; i < n; i++)
    expected[i] = symbol_token(symbol[i]);
  syntax_error(p, expected, n > 0 ? n : 0);
  return 0;
}
