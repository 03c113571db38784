from flask import render_template, render_template_string
from markupsafe import Markup


def page(name):
    # ruleid: markup-of-data
    first = Markup(f"<b>{name}</b>")
    # ruleid: markup-of-data
    second = render_template_string("Hello " + name)
    # ok: markup-of-data
    third = Markup("<b>bold</b>")
    # ok: markup-of-data
    fourth = render_template_string("Hello {{ name }}", name=name)
    # ok: markup-of-data
    return render_template("page.html", name=name), first, second, third, fourth
