"""Mutants that leave a construct without its taps."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_NAMES = (
    Mutant(
        "form-global", "globals",
        "transform/planner.py", "binding not in (Binding.GLOBAL, Binding.CELL)", "binding is not Binding.CELL",
        "race/counter_global.py",
    ),
    Mutant(
        "form-global-load", "the value of a global or captured variable",
        "transform/forms.py", "    cst.Name: accesses.name,\n", "", "race/stop_global.py",
    ),
    Mutant(
        "form-global-store", "`g = value`",
        "transform/assignments.py", "planner.tap(draft, Role.VALUE, node, field)", "pass", "race/lazy_global.py",
    ),
    Mutant(
        "form-global-augmented", "`g += value`",
        "transform/assignments.py", "return _augmented_name(planner, node, target)",
        "return planner.visit(node.value)", "race/counter_global.py",
    ),
    Mutant(
        "form-global-delete", "`del g`",
        "transform/assignments.py", 'planner.tap(draft, Role.STATEMENT, node, "before")', "pass",
        "race/delete_global.py",
    ),
    Mutant(
        "form-global-target", "a global as the target of a loop, an unpacking or a `with`",
        "transform/assignments.py", "planner.tap(draft, Role.STATEMENT, statement, where)", "pass",
        "race/for_global.py",
    ),
    Mutant(
        "form-cell", "captured variables",
        "transform/planner.py", "binding not in (Binding.GLOBAL, Binding.CELL)", "binding is not Binding.GLOBAL",
        "race/counter_nonlocal.py",
    ),
)  # fmt: skip

_ATTRIBUTES = (
    Mutant(
        "form-attribute-load", "`o.x`",
        "transform/forms.py", "    cst.Attribute: accesses.attribute,\n", "", "race/publication.py",
    ),
    Mutant(
        "form-attribute-store", "`o.x = value`",
        "transform/assignments.py", "_store_attribute(planner, target, taint, Context.STORE, value)", "pass",
        "race/write_attribute.py",
    ),
    Mutant(
        "form-attribute-augmented", "`o.x += value`",
        "transform/assignments.py",
        "        if not tappable(target.value):\n            return planner.visit(node.value)",
        "        if True:\n            return planner.visit(node.value)", "race/counter_attribute.py",
    ),
    Mutant(
        "form-attribute-delete", "`del o.x`",
        "transform/assignments.py", "_store_attribute(planner, target, CLEAN, Context.DELETE, None)", "pass",
        "race/delete_attribute.py",
    ),
    Mutant(
        "form-getattr", "`getattr(o, name)`",
        "transform/calls.py", '    "getattr": Context.LOAD,\n', "", "race/lazy_getattr.py",
    ),
    Mutant(
        "form-hasattr", "`hasattr(o, name)`",
        "transform/calls.py", '    "hasattr": Context.LOAD,\n', "", "race/lazy_hasattr.py",
    ),
    Mutant(
        "form-setattr", "`setattr(o, name, value)`",
        "transform/calls.py", '    "setattr": Context.STORE,\n', "", "race/setattr_write.py",
    ),
    Mutant(
        "form-delattr", "`delattr(o, name)`",
        "transform/calls.py", '    "delattr": Context.DELETE,\n', "", "race/delattr_delete.py",
    ),
)  # fmt: skip

_ITEMS = (
    Mutant(
        "form-item-load", "`d[k]`",
        "transform/forms.py", "    cst.Subscript: accesses.subscript,\n", "", "race/barrier.py",
    ),
    Mutant(
        "form-item-store", "`d[k] = value`",
        "transform/assignments.py", "_store_item(planner, target, taint, Context.STORE, value)", "pass",
        "race/dict_keys.py",
    ),
    Mutant(
        "form-item-augmented", "`d[k] += value`",
        "transform/assignments.py", "        if found is None:", "        if True:", "race/counter_list_item.py",
    ),
    Mutant(
        "form-item-delete", "`del d[k]`",
        "transform/assignments.py", "_store_item(planner, target, CLEAN, Context.DELETE, None)", "pass",
        "race/check_del.py",
    ),
    Mutant(
        "form-item-key", "a key that is computed",
        "transform/planner.py", "self.tap(draft, Role.KEY, node, field, index)", "pass", "race/dict_keys.py",
    ),
    Mutant(
        "form-item-literal", "a key that is a literal",
        "runtime/taps.py", "_literal(site.key) if site.key else Missing", "Missing",
        "race/check_seat_straight.py",
    ),
    Mutant(
        "attributes-of-c", "that classes in C read and store attributes as `object` does",
        "runtime/attributes.py", "    return own == plain", "    return False", "race/builtin_subclasses.py",
    ),
    Mutant(
        "stores-unseen", "that what unwatched code of a class stores is where the object has the name",
        "runtime/attributes.py", "return plain or type(hook) is types.WrapperDescriptorType", "return False",
        "race/stored_by_hook.py",
    ),
    Mutant(
        "stores-elsewhere", "that what an object lacks may belong to one that it stands for",
        "runtime/attributes.py", "    return holds(target, name) if found is None else", "    return found is None or",
        "norace/stored_by_hook.py",
    ),
    Mutant(
        "takes-stay", "that what is taken out stays known beside what is put in later",
        "detector/shadow.py", "return commutes and not spares and", "return commutes and", "race/pool_given_back.py",
    ),
    Mutant(
        "form-slice", "slices",
        "runtime/accesses.py", "KeyShape.SLICE if at.site.form is SiteForm.ITEM and not at.site.keyed else",
        "", "race/slice_read.py",
    ),
    Mutant(
        "form-contains", "`k in d`",
        "transform/forms.py", "    cst.Comparison: accesses.comparison,\n", "", "race/check_early_return.py",
    ),
)  # fmt: skip

_CALLS = (
    Mutant(
        "form-method", "methods of containers",
        "transform/calls.py", 'planner.tap(draft, Role.BASE, func, "value")', "pass", "race/list_appends.py",
    ),
    Mutant(
        "form-method-key", "the key among a method's arguments",
        "transform/calls.py", "if draft.name in KEYED and", "if False and", "race/check_get_none.py",
    ),
    Mutant(
        "form-method-waits", "that a method runs after its arguments were evaluated",
        "transform/calls.py", 'if waits and node.args[last].star != "**":', "if False:", "norace/method_argument.py",
    ),
    Mutant(
        "form-function-argument", "arguments of builtins that walk over them",
        "transform/calls.py", 'if name in WALKERS or name in {"map", "filter"}:', "if False:", "race/iterate_sum.py",
    ),
    Mutant(
        "form-len", "that `len` asks the structure",
        "runtime/accesses.py", 'counts = at.site.name in {"len", "bool"}', "counts = False", "race/len_insert.py",
    ),
    Mutant(
        "form-join", "the argument of `\"\".join`",
        "transform/calls.py", '_walk_argument(planner, node, "join", 0)', "CLEAN", "race/iterate_join.py",
    ),
    Mutant(
        "form-truth", "`if o.items:`",
        "transform/expressions.py", 'planner.tap(draft, Role.BASE, node, field)', "pass", "race/check_truth_pop.py",
    ),
)  # fmt: skip

_WALKS = (
    Mutant(
        "form-for", "`for x in c`",
        "transform/statements.py", "taint = iterated(planner, node, node.iter)", "taint = planner.visit(node.iter)",
        "race/iterate_list.py",
    ),
    Mutant(
        "form-list-comprehension", "`[... for x in c]`",
        "transform/forms.py", "    cst.ListComp: expressions.comprehension,\n", "", "race/iterate_comprehension.py",
    ),
    Mutant(
        "form-generator-expression", "`(... for x in c)`",
        "transform/forms.py", "    cst.GeneratorExp: expressions.comprehension,\n", "", "race/iterate_genexpr.py",
    ),
    Mutant(
        "form-star", "`[*c]`",
        "transform/forms.py", "    cst.StarredElement: expressions.starred,\n", "", "race/iterate_star_list.py",
    ),
    Mutant(
        "form-star-set", "`{*c}`",
        "transform/expressions.py", 'taint |= walk_tap(planner, element, "value", element.value, like="set")', "pass",
        "race/iterate_star.py",
    ),
    Mutant(
        "form-star-argument", "`f(*c)`",
        "transform/calls.py", "        if argument.star:\n", "        if False:\n", "race/iterate_star_argument.py",
    ),
    Mutant(
        "form-unpack", "`a, b = c`",
        "transform/assignments.py", '            walk_tap(planner, node, "value", value)', "            pass",
        "race/unpack_walk.py",
    ),
)  # fmt: skip

_TARGETS = (
    Mutant(
        "form-unpack-target", "targets of an unpacking",
        "transform/assignments.py", "        store(planner, target, taint, node)", "        pass",
        "race/unpack_targets.py",
    ),
    Mutant(
        "form-for-target", "the target of a loop",
        "transform/statements.py", 'store(planner, node.target, taint, node, None, "body")', "pass",
        "race/for_target.py",
    ),
    Mutant(
        "form-with-target", "the target of a `with`",
        "transform/statements.py", 'store(planner, item.asname.name, taint, node, None, "body")', "pass",
        "race/with_target.py",
    ),
    Mutant(
        "form-walrus", "that `(y := value)` carries what it read",
        "transform/forms.py", "    cst.NamedExpr: assignments.walrus,\n", "", "race/rmw_walrus.py",
    ),
    Mutant(
        "form-import", "an import statement",
        "transform/assignments.py", 'planner.tap(draft, Role.STATEMENT, node, "after")', "pass", "norace/import_lazy",
    ),
)  # fmt: skip

_INSIDE = (
    Mutant(
        "form-lambda", "the body of a lambda",
        "transform/expressions.py", "        planner.visit(node.body)\n    if node in",
        "        pass\n    if node in", "race/lambda_read.py",
    ),
    Mutant(
        "form-f-string", "the fields of an f-string",
        "transform/planner.py", "else self.visit_children(node)",
        "else CLEAN if isinstance(node, cst.FormattedString) else self.visit_children(node)", "race/fstring_read.py",
    ),
    Mutant(
        "form-f-string-walk", "that a container in an f-string is walked over",
        "transform/forms.py", "    cst.FormattedStringExpression: expressions.formatted,\n", "",
        "race/iterate_fstring.py",
    ),
    Mutant(
        "form-match", "the subject of a `match`",
        "transform/statements.py", "reads = planner.visit(node.subject)", "reads: Taint = CLEAN", "race/check_match.py",
    ),
    Mutant(
        "form-global-of-module", "code at module level",
        "transform/forms.py", "planner.visit_block(root)", "pass", "race/thread_start.py",
    ),
)  # fmt: skip

FORMS: tuple[Mutant, ...] = (*_NAMES, *_ATTRIBUTES, *_ITEMS, *_CALLS, *_WALKS, *_TARGETS, *_INSIDE)
