RULES = {"infrastructure": []}
def modules(m):
    yield m
    for c in m.get("child_modules", []): yield from modules(c)
def resources_of(values):
    return [r for m in modules(values.get("root_module", {})) for r in m.get("resources", [])]
def broken(doc, root): return []
