"""What the files of this folder share: an environment that is made once, and thrown away when a test changed it."""

from tests.support.pytest_projects import Place


def test_place_keeps_an_environment_as_it_was_made_and_nothing_else(tmp_path):
    place = Place(tmp_path)
    first = place.project()
    (made,) = first.cache.glob("projects/*/*/.complete")
    first.write("pyproject.toml", "[tool.truegreen]\n[tool.other]\n")
    assert first.run("def test_a(): pass\n").ids == {"test_it.py::test_a"}
    assert len(list(first.cache.glob("projects/*/*/.complete"))) == 2

    second = place.project()
    assert sorted(path.name for path in second.root.iterdir()) == ["pyproject.toml", "requirements.txt"]
    assert [path.stat() for path in second.cache.glob("projects/*/*/.complete")] == [made.stat()]

    (packages,) = made.parent.glob("lib/python*/site-packages")
    (packages / "left.pth").write_text("")
    place.project()
    assert made.is_file()
    assert not (packages / "left.pth").exists()
