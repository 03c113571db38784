from jinja2 import Environment, Template, select_autoescape

# ruleid: template-without-escaping
first = Environment()
# ruleid: template-without-escaping
second = Environment(autoescape=False)
# ruleid: template-without-escaping
third = Template("Hello {{ name }}")
# ok: template-without-escaping
fourth = Environment(autoescape=True)
# ok: template-without-escaping
fifth = Environment(autoescape=select_autoescape())
