import yaml


def read(text):
    # ruleid: yaml-load-unsafe
    first = yaml.load(text, Loader=yaml.Loader)
    # ruleid: yaml-load-unsafe
    second = yaml.load(text)
    # ruleid: yaml-load-unsafe
    third = yaml.unsafe_load(text)
    # ok: yaml-load-unsafe
    fourth = yaml.load(text, Loader=yaml.SafeLoader)
    # ok: yaml-load-unsafe
    return yaml.safe_load(text), first, second, third, fourth
