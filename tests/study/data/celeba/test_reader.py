"""Lists are read as they are published, faults have their line, the choice of identities holds."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.data.celeba import format as form
from study.data.celeba.reader import (
    MalformedListError,
    choose_identities,
    missing_images,
    read_attributes,
    read_identities,
)
from study.errors import DataError
from tests.study.data.celeba.celeba_files import (
    attributes_of,
    rows_of,
    write_folder,
    write_lines,
    write_lists,
)

NAMES = " ".join(form.ATTRIBUTES)
PRESENT = " ".join(["1"] * 40)


def identities_file(folder: Path, *lines: str) -> Path:
    """A list of identities with these lines."""
    path = folder / form.IDENTITY_LIST
    write_lines(path, lines)
    return path


def attributes_file(folder: Path, *lines: str) -> Path:
    """A list of attributes with these lines."""
    path = folder / form.ATTRIBUTE_LIST
    write_lines(path, lines)
    return path


def test_lists_of_kaggle_and_of_editors_are_read(tmp_path: Path) -> None:
    """Commas and no count (GDL_code#75), a byte order mark: the same attributes."""
    write_lists(tmp_path, rows_of({7: 2}))
    images = read_identities(tmp_path / form.IDENTITY_LIST)
    usual = read_attributes(tmp_path / form.ATTRIBUTE_LIST, images)
    rows = [",".join([name, *map(str, attributes_of(name))]) for name in images]
    header = ",".join(["image_id", *form.ATTRIBUTES])
    write_lines(tmp_path / form.KAGGLE_ATTRIBUTE_LIST, ["\ufeff" + header, *rows], end="\n")

    kaggle = read_attributes(tmp_path / form.KAGGLE_ATTRIBUTE_LIST, images)

    assert {name: row.tolist() for name, row in kaggle.items()} == {
        name: row.tolist() for name, row in usual.items()
    }


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_lists_are_read_with_either_line_end(tmp_path: Path, end: str) -> None:
    """The published lists have CR LF; what an editor has made of them is taken too."""
    rows = rows_of({7: 2, 3: 1})
    write_lists(tmp_path, rows, end=end)

    identities = read_identities(tmp_path / form.IDENTITY_LIST)
    attributes = read_attributes(tmp_path / form.ATTRIBUTE_LIST, identities)

    assert list(identities.items()) == [("000001.jpg", 7), ("000002.jpg", 7), ("000003.jpg", 3)]
    for name in identities:
        expected = [value == 1 for value in attributes_of(name)]
        assert attributes[name].astype(bool).tolist() == expected


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["1.jpg 5", "2.jpg"], "line 2: '2.jpg' instead of an image's name and the number of"),
        (["1.jpg 5 1"], "line 1: '1.jpg 5 1' instead of"),
        (["1.jpg five"], "line 1: '1.jpg five' instead of"),
        (["1.jpg -5"], "line 1: '1.jpg -5' instead of"),
        (["1.jpg 5", "1.jpg 6"], "line 2: 1.jpg stands here for the second time"),
        ([], "the list is empty"),
    ],
)
def test_a_wrong_line_of_identities_is_named(tmp_path: Path, lines: list[str], said: str) -> None:
    """Path, line, what was got and what to do."""
    path = identities_file(tmp_path, *lines)

    with pytest.raises(MalformedListError) as caught:
        read_identities(path)

    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)
    assert "Fetch the list again" in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["", NAMES], "line 1: the first line is ''; expected is the number of images"),
        ([NAMES, f"1.jpg {PRESENT}"], "line 1: the first line is '5_o_Clock"),
        (["1", "Bald Bangs"], "name 1 is 'Bald' instead of '5_o_Clock_Shadow'"),
        (["1", NAMES[: -len(" Young")]], "line 2: .* 39 names instead of 40"),
        (["1", NAMES, f"1.jpg {PRESENT} 1"], "line 3: 41 attributes instead of 40"),
        (["2", NAMES, f"1.jpg {PRESENT}", ""], "line 4: 0 attributes instead of 40"),
        (["1", NAMES, f"1.jpg {PRESENT[:-1]}0"], "line 3: an attribute is '0'; allowed: 1 or -1"),
        (
            ["9", NAMES, f"1.jpg {PRESENT}"],
            "line 1: 1 images are listed, and the first line says 9",
        ),
        (["1", NAMES, f"2.jpg {PRESENT}"], "1 images of identity_CelebA.txt are not listed: 1.jpg"),
    ],
)
def test_a_wrong_list_of_attributes_is_refused(tmp_path: Path, lines: list[str], said: str) -> None:
    """Header, columns, values and completeness are all looked at."""
    path = attributes_file(tmp_path, *lines)

    with pytest.raises(MalformedListError, match=said):
        read_attributes(path, {"1.jpg": 5})


def test_not_all_of_many_faults_are_listed(tmp_path: Path) -> None:
    """A file of another kind gives ten lines and a word, not thousands."""
    path = identities_file(tmp_path, *["nonsense"] * 500)

    with pytest.raises(MalformedListError) as caught:
        read_identities(path)

    assert len(caught.value.faults) == 11
    assert "the rest is not listed" in str(caught.value.faults[-1])


def test_a_binary_file_is_no_list(tmp_path: Path) -> None:
    """Whatever lies under the list's name, the error is one for its owner."""
    path = tmp_path / form.IDENTITY_LIST
    path.write_bytes(b"\xff\xd8\xff\xe0")

    with pytest.raises(MalformedListError, match="it cannot be read"):
        read_identities(path)


def test_a_tie_goes_to_the_smaller_number(tmp_path: Path) -> None:
    """As for the 40th place of the real set, whatever the order of the lines."""
    most = {900 - place: 5 for place in range(38)}
    counts = {70: 3, 8: 3, 500: 3, 9: 2, **most, 1: 1}
    write_lists(tmp_path, rows_of(counts))

    chosen = choose_identities(read_identities(tmp_path / form.IDENTITY_LIST))

    assert chosen == [8, 70, *sorted(most)]


@given(whose=st.lists(st.integers(1, 30), min_size=1, max_size=200), count=st.integers(1, 12))
def test_nobody_left_out_is_better_represented(whose: list[int], count: int) -> None:
    """Whoever is left out has fewer images than each chosen one, or as many and a larger number."""
    identities = {f"{place}.jpg": who for place, who in enumerate(whose)}
    images_of = Counter(whose)
    try:
        chosen = choose_identities(identities, count)
    except DataError:
        several = sum(images > 1 for images in images_of.values())
        assert several < count
        return

    left_out = [who for who in images_of if who not in chosen]

    assert len(chosen) == count
    assert chosen == sorted(chosen)
    assert all(
        (images_of[out], -out) < (images_of[taken], -taken) for out in left_out for taken in chosen
    )


def test_too_few_identities_are_refused() -> None:
    """The number that is there and the number that is needed."""
    with pytest.raises(DataError, match="39 identities; 40 are needed"):
        choose_identities(dict(rows_of(dict.fromkeys(range(39), 2))))


def test_an_identity_with_one_image_is_refused() -> None:
    """It cannot be in training and in validation; it is named."""
    counts = {**dict.fromkeys(range(1, 40), 3), 77: 1, 99: 1}

    with pytest.raises(DataError, match=r"1 of the 40 .* have one image only \(77\)"):
        choose_identities(dict(rows_of(counts)))


def test_missing_images_are_counted_and_some_are_named(tmp_path: Path) -> None:
    """One fault for all of them."""
    write_folder(tmp_path, {1: 9})
    for number in range(1, 8):
        (tmp_path / form.IMAGE_FOLDER / f"{number:06d}.jpg").unlink()
    layout = form.find_layout(tmp_path)

    (fault,) = missing_images(layout, [name for name, _ in rows_of({1: 9})])

    assert "7 of 9 images are missing: 000001.jpg, 000002.jpg" in str(fault)
    assert "000005.jpg and more" in str(fault)
