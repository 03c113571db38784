import ast


def compute(text, model):
    # ruleid: eval-of-data
    value = eval(text)
    # ruleid: eval-of-data
    exec(text, {})
    # ok: eval-of-data
    one = eval("1 + 1")
    # ok: eval-of-data
    model.eval()
    # ok: eval-of-data
    return ast.literal_eval(text), value, one
