"""Walks: what is entered, what is passed over, and that no file is lost or found twice."""

import os

import pytest

from landvote.errors import ImageError
from landvote.films.walking import walk_files


def put(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def walked(folder):
    return sorted(path.relative_to(folder).as_posix() for path in walk_files(folder))


def test_hidden_files_and_what_servers_and_archives_make_are_passed_over(tmp_path):
    put(tmp_path, "a.png", "b/c.png", ".a.png", ".cache/a.png", "b/.x/a.png", "@eaDir/a.png/thumb.png")
    put(tmp_path, "landvote-review/thumbnails/a.png", "__MACOSX/a.png", "b/#recycle/old.png", "$RECYCLE.BIN/old.png")
    assert walked(tmp_path) == ["a.png", "b/c.png"]


def test_a_linked_folder_is_entered_once_and_by_its_own_name_if_it_has_one(tmp_path):
    put(tmp_path, "archive/one.png", "films/z/two.png")
    for link, target in (("a", "z"), ("more", "../archive"), ("again", "../archive")):
        (tmp_path / "films" / link).symlink_to(target, target_is_directory=True)
    assert walked(tmp_path / "films") == ["again/one.png", "z/two.png"]


def test_links_within_linked_folders_are_followed(tmp_path):
    put(tmp_path, "far/three.png", "near/two.png", "films/one.png")
    (tmp_path / "near" / "far").symlink_to(tmp_path / "far")
    (tmp_path / "films" / "near").symlink_to(tmp_path / "near")
    assert walked(tmp_path / "films") == ["near/far/three.png", "near/two.png", "one.png"]


def test_links_in_circles_end(tmp_path):
    put(tmp_path, "data/films/one.png", "data/other.png", "data/films/deep/two.png")
    (tmp_path / "data" / "films" / "up").symlink_to("..")
    (tmp_path / "data" / "films" / "deep" / "self").symlink_to(".")
    (tmp_path / "data" / "films" / "deep" / "top").symlink_to(tmp_path)
    assert walked(tmp_path / "data" / "films") == ["deep/two.png", "one.png"]


def test_a_link_to_a_file_is_a_file_and_so_is_one_that_leads_nowhere(tmp_path):
    put(tmp_path, "far/one.png")
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "one.png").symlink_to("../far/one.png")
    (tmp_path / "films" / "two.png").symlink_to("../far/two.png")
    assert walked(tmp_path / "films") == ["one.png", "two.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_named(tmp_path):
    put(tmp_path, "shut/one.png")
    (tmp_path / "shut").chmod(0)
    try:
        with pytest.raises(ImageError, match=r"shut: cannot be read \(Permission denied\)"):
            walked(tmp_path)
    finally:
        (tmp_path / "shut").chmod(0o700)
