"""What a diagnostic complains of, by its server's code or, where that says too little, its message."""

from __future__ import annotations

import re

from language_servers.analyzer import Fault

_CODES: dict[str, Fault] = {}
_UNCERTAIN = re.compile(r"\bin union\b|\bUnion variant\b|<Protocol with members|`NoneType` has no attribute")
_PATTERNS: list[tuple[re.Pattern[str], Fault]] = []


def classified(code: str, message: str) -> Fault:
    """The fault that a diagnostic names: `("unresolved-reference", ...)` → an unknown name.

    What only one branch of a union lacks may be there: that is a question of types.
    """
    if _UNCERTAIN.search(message):
        return Fault.TYPE
    if fault := _CODES.get(code):
        return Fault.IMPORT if message.endswith("is unknown import symbol") else fault
    return next((fault for pattern, fault in _PATTERNS if pattern.search(message)), Fault.OTHER)


def _codes(fault: Fault, codes: str) -> None:
    _CODES.update(dict.fromkeys(codes.split(), fault))


def _messages(fault: Fault, pattern: str) -> None:
    _PATTERNS.append((re.compile(pattern), fault))


# ty and pyrefly
_codes(Fault.SYNTAX, "invalid-syntax parse-error invalid-syntax-in-forward-annotation")
_codes(Fault.NAME, "unresolved-reference possibly-unresolved-reference unknown-name unbound-name")
_codes(
    Fault.MEMBER,
    "missing-attribute unresolved-attribute possibly-missing-attribute"
    " possibly-missing-submodule invalid-typed-dict-key invalid-key bad-typed-dict-key missing-submodule",
)
_codes(
    Fault.IMPORT,
    "import-not-found unresolved-import missing-module-member possibly-missing-import missing-import missing-source"
    " missing-module-attribute import-error",
)
_codes(
    Fault.ARGUMENTS,
    "missing-argument too-many-positional-arguments unknown-argument parameter-already-assigned"
    " positional-only-parameter-as-kwarg missing-typed-dict-key unknown-typed-dict-constructor-key"
    " bad-argument-count unexpected-keyword bad-keyword-argument unexpected-positional-argument",
)
_codes(Fault.ABSTRACT, "abstract-class-instantiation bad-instantiation")
_codes(
    Fault.TYPE,
    "missing-union-attribute no-matching-overload"
    " invalid-argument-type invalid-assignment invalid-explicit-return invalid-implicit-return invalid-return-type"
    " invalid-parameter-default invalid-await invalid-raise invalid-context-manager unsupported-operator not-iterable"
    " not-subscriptable call-non-callable not-callable index-out-of-bounds bad-argument-type bad-assignment bad-return"
    " bad-index bad-function-definition bad-specialization unsupported-operation bad-unpacking bad-raise"
    " bad-context-manager async-error invalid-yield",
)

# pyright and basedpyright
_codes(Fault.NAME, "reportUndefinedVariable reportUnboundVariable reportPossiblyUnbound reportPossiblyUnboundVariable")
_codes(Fault.MEMBER, "reportAttributeAccessIssue reportOptionalMemberAccess reportTypedDictNotRequiredAccess")
_codes(Fault.IMPORT, "reportMissingImports reportMissingModuleSource")
_codes(Fault.ARGUMENTS, "reportCallIssue")
_codes(Fault.ABSTRACT, "reportAbstractUsage")
_codes(
    Fault.TYPE,
    "reportArgumentType reportAssignmentType reportReturnType reportOperatorIssue reportIndexIssue"
    " reportGeneralTypeIssues reportOptionalSubscript reportOptionalIterable reportOptionalCall reportOptionalOperand"
    " reportOptionalContextManager",
)

# zuban, which words and codes like mypy
_codes(Fault.SYNTAX, "syntax")
_codes(Fault.NAME, "name-defined used-before-def")
_codes(Fault.MEMBER, "attr-defined union-attr typeddict-unknown-key")
_codes(Fault.IMPORT, "import import-not-found import-untyped")
_codes(Fault.ARGUMENTS, "call-arg call-overload")
_codes(Fault.ABSTRACT, "abstract")
_codes(Fault.TYPE, "arg-type typeddict-item assignment return-value return operator index misc dict-item list-item")

# TypeScript numbers its messages
_codes(Fault.SYNTAX, " ".join(str(number) for number in range(1002, 1200)))
_codes(Fault.NAME, "2304 2552 2503 2454 2448 2318 18004")
_codes(Fault.MEMBER, "2339 2353 2551 2561 2570 7053 18047 18048 18046 2531 2532 2533 2694")
_codes(Fault.IMPORT, "2305 2306 2307 2614 2724 2792 2732 7016")
_codes(Fault.ARGUMENTS, "2554 2555 2556 2575 2769 2346")
_codes(Fault.ABSTRACT, "2511")
_codes(Fault.TYPE, "2322 2345 2362 2363 2365 2367 2349 2351 2488 2538 2739 2740 2741 2355 2366 2559 2416 2420")

# clangd
_codes(Fault.NAME, "undeclared_var_use undeclared_var_use_suggest unknown_typename unknown_typename_suggest")
_codes(Fault.MEMBER, "no_member no_member_suggest no_member_template typecheck_member_reference_struct_union")
_codes(Fault.IMPORT, "pp_file_not_found pp_file_not_found_angled_include_not_fatal")
_codes(
    Fault.ARGUMENTS,
    "typecheck_call_too_few_args typecheck_call_too_many_args typecheck_call_too_few_args_one"
    " typecheck_call_too_many_args_one ovl_no_viable_function_in_call ovl_no_viable_member_function_in_call"
    " ovl_no_viable_function_in_init typecheck_call_too_few_args_at_least typecheck_call_too_many_args_at_most",
)
_codes(Fault.ABSTRACT, "allocation_of_abstract_type abstract_type_in_decl")
_codes(
    Fault.TYPE,
    "typecheck_convert_incompatible typecheck_invalid_operands init_conversion_failed typecheck_nonviable_condition"
    " typecheck_convert_int_pointer typecheck_convert_incompatible_pointer",
)
_codes(Fault.SYNTAX, "expected expected_expression expected_semi_after_expr expected_either expected_after")

# gopls
_codes(Fault.NAME, "UndeclaredName UndeclaredImportedName")
_codes(Fault.MEMBER, "MissingFieldOrMethod UnexportedName")
_codes(Fault.IMPORT, "BrokenImport")
_codes(Fault.ARGUMENTS, "WrongArgCount MissingInitBody MixedStructLit UnknownField")
_codes(Fault.TYPE, "IncompatibleAssign WrongResultCount MismatchedTypes InvalidCall InvalidIndex UndefinedOp")

# rust-analyzer
_codes(Fault.SYNTAX, "syntax-error")
_codes(Fault.NAME, "E0425 E0412 E0433 unresolved-ident")
_codes(Fault.MEMBER, "E0599 E0609 E0610 no-such-field unresolved-field unresolved-method")
_codes(Fault.IMPORT, "E0432 unresolved-import unresolved-extern-crate unresolved-module")
_codes(Fault.ARGUMENTS, "E0107 E0061 E0063 E0057 mismatched-arg-count missing-fields")
_codes(Fault.TYPE, "E0308 type-mismatch")

# whatever else: the words that compilers share
_messages(Fault.SYNTAX, r"(?i)\bsyntax\b|\bparse error\b|^(?:un)?expected (?!\d)")
_messages(Fault.IMPORT, r"(?i)\bimport\b.*\b(?:not found|resolved?|unresolved)|cannot find module|file not found")
_messages(Fault.ABSTRACT, r"(?i)\babstract\b.*\binstantia|\binstantia\w+\b.*\babstract\b")
_messages(
    Fault.ARGUMENTS,
    r"(?i)(?:too many|too few|not enough|wrong number of|missing) .*\bargument|no matching (?:function|overload)",
)
_messages(Fault.MEMBER, r"(?i)\bno (?:attribute|member|field|method)\b|does not exist on type|no .* named")
_messages(
    Fault.NAME, r"(?i)\bundefined\b|\bundeclared\b|is not defined|cannot (?:find|be resolved)|not found in this scope"
)
_messages(Fault.TYPE, r"(?i)\btype\b|\bassignable\b|\bconver(?:t|sion)\b|incompatible")
