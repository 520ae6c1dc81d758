"""Does the publication grid protect, and do intervals cover?"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit import stats

DIMENSIONS = ["segment", "channel", "region"]


def _people(*cells):
    rows = [(*cell, f"{cell}-{i}", "revenue", amount) for cell, n, amount in cells for i in range(n)]
    return pd.DataFrame(rows, columns=[*DIMENSIONS, "person", "measure", "amount"])


def _atoms(people, **options):
    grid = stats.publication_grid(people, dimensions=DIMENSIONS, **options)
    return {
        tuple(row[DIMENSIONS]): tuple(row[[f"published_{name}" for name in DIMENSIONS]]) for _, row in grid.iterrows()
    }


def test_large_cells_stay_themselves():
    people = _people((("a", "web", "n"), 10, 1), (("a", "web", "s"), 12, 1))
    assert _atoms(people) == {cell: cell for cell in [("a", "web", "n"), ("a", "web", "s")]}


def test_small_regions_of_one_segment_and_channel_stand_together():
    people = _people((("a", "web", "n"), 10, 1), (("a", "web", "s"), 6, 1), (("a", "web", "t"), 5, 1))
    other = ("a", "web", "(other)")
    assert _atoms(people) == {
        ("a", "web", "n"): ("a", "web", "n"),
        ("a", "web", "s"): other,
        ("a", "web", "t"): other,
    }


def test_a_single_small_region_takes_its_smallest_sibling_with_it():
    people = _people((("a", "web", "n"), 30, 1), (("a", "web", "s"), 12, 1), (("a", "web", "t"), 5, 1))
    other = ("a", "web", "(other)")
    assert _atoms(people) == {
        ("a", "web", "n"): ("a", "web", "n"),
        ("a", "web", "s"): other,
        ("a", "web", "t"): other,
    }


def test_what_a_channel_cannot_mend_goes_up_to_the_segment():
    people = _people((("a", "shop", "n"), 4, 1), (("a", "web", "n"), 20, 1), (("b", "web", "n"), 20, 1))
    other = ("a", "(other)", "(other)")
    assert _atoms(people) == {
        ("a", "shop", "n"): other,
        ("a", "web", "n"): other,
        ("b", "web", "n"): ("b", "web", "n"),
    }


def test_a_cell_ruled_by_one_person_is_merged():
    people = _people((("a", "web", "n"), 20, 1), (("a", "web", "s"), 20, 1))
    people.loc[0, "amount"] = 2_000  # 2000 of 2019, together 2000 of 2039
    assert set(_atoms(people, max_share=0.99).values()) == {("a", "web", "(other)")}
    assert _atoms(people, max_share=0.5) == {}  # even together one person holds 2000 of 2039


def test_too_few_persons_in_all_publish_nothing():
    assert _atoms(_people((("a", "web", "n"), 9, 1))) == {}


def test_a_measure_of_few_persons_merges_its_cell():
    people = _people((("a", "web", "n"), 20, 1), (("a", "web", "s"), 20, 1), (("a", "web", "t"), 30, 1))
    freight = people.assign(measure="freight")
    few = freight[(freight["region"] != "n") | freight["person"].str.endswith(("-1", "-2"))]
    atoms = _atoms(pd.concat([people, few]))
    assert atoms[("a", "web", "n")] == atoms[("a", "web", "s")] == ("a", "web", "(other)")
    assert atoms[("a", "web", "t")] == ("a", "web", "t")


def test_a_measure_that_no_merging_can_protect_is_left_out_of_the_rule():
    people = _people((("a", "web", "n"), 20, 1), (("a", "web", "s"), 20, 1))
    visits = people[people["person"].str.endswith(("-1", "-2"))].assign(measure="visits")
    assert _atoms(pd.concat([people, visits])) == _atoms(people)
    lonely = visits.assign(channel="(no order)")
    assert _atoms(pd.concat([people, lonely]))[("a", "(no order)", "n")] == ("a", "(other)", "(other)")


_CONTRIBUTION = st.tuples(
    st.sampled_from("ab"), st.sampled_from("xyz"), st.sampled_from("nspq"), st.integers(0, 60),
    st.sampled_from(["revenue", "freight"]), st.integers(0, 100),
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(_CONTRIBUTION, min_size=1, max_size=150), st.integers(3, 12))
def test_every_atom_is_large_enough_and_nothing_is_lost(rows, min_n):
    people = pd.DataFrame(rows, columns=[*DIMENSIONS, "person", "measure", "amount"])
    grid = stats.publication_grid(people, dimensions=DIMENSIONS, min_n=min_n, max_share=0.5)

    def safe(held):
        by_person = held.groupby("person")["amount"].sum()
        return len(by_person) >= min_n and by_person.max() <= 0.5 * by_person.sum()

    ruled = [measure for measure, held in people.groupby("measure") if safe(held)]
    if grid.empty:
        assert not ruled
        return
    published = [f"published_{name}" for name in DIMENSIONS]
    placed = people.merge(grid, on=DIMENSIONS, validate="many_to_one")
    assert len(placed) == len(people)
    assert placed["amount"].sum() == people["amount"].sum()
    for _, atom in placed[placed["measure"].isin(ruled)].groupby([*published, "measure"]):
        assert safe(atom)


@given(st.permutations(range(30)))
def test_order_of_rows_does_not_change_the_grid(order):
    people = _people((("a", "web", "n"), 14, 1), (("a", "web", "s"), 9, 2), (("b", "web", "s"), 7, 3))
    shuffled = people.iloc[list(order)]
    pd.testing.assert_frame_equal(
        stats.publication_grid(people, dimensions=DIMENSIONS),
        stats.publication_grid(shuffled, dimensions=DIMENSIONS),
    )


def test_ratio_of_four_persons_by_hand():
    people = pd.DataFrame({"numerator": [1, 2, 3, 2], "denominator": [10, 20, 10, 20]})
    found = stats.ratio(people, by=[]).iloc[0]
    r = 8 / 60
    squares = (1 - 10 * r) ** 2 + (2 - 20 * r) ** 2 + (3 - 10 * r) ** 2 + (2 - 20 * r) ** 2
    half = 1.959963985 * (4 / 3 * squares) ** 0.5 / 60
    assert found.tolist() == pytest.approx([4, r, r - half, r + half], rel=1e-8)


def test_ratio_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(600):
        x = rng.gamma(2, 50, 200)
        y = 0.2 * x + rng.normal(0, 10, 200)
        row = stats.ratio(pd.DataFrame({"numerator": y, "denominator": x}), by=[]).iloc[0]
        hits += row["ratio_low"] <= 0.2 <= row["ratio_high"]
    # binomial(600, 0.95): 570 expected, SD 5.3; four SD below and above
    assert 549 <= hits <= 591


def test_one_person_has_a_ratio_and_no_interval():
    row = stats.ratio(pd.DataFrame({"numerator": [1], "denominator": [4]}), by=[]).iloc[0]
    assert row["ratio"] == 0.25
    assert np.isnan(row["ratio_low"])


def test_a_family_of_intervals_is_wider_than_one():
    people = pd.DataFrame({"g": ["a"] * 5 + ["b"] * 5, "numerator": range(10), "denominator": 10})
    alone, together = stats.ratio(people, by=["g"]), stats.ratio(people, by=["g"], family=2)
    widths = (together["ratio_high"] - together["ratio_low"]) / (alone["ratio_high"] - alone["ratio_low"])
    assert widths.tolist() == pytest.approx([2.2414027276 / 1.959963985] * 2)  # R: qnorm(1 - .05/4), qnorm(.975)


def _answers(promoters, passives, detractors, **more):
    values = [1] * promoters + [0] * passives + [-1] * detractors
    return pd.DataFrame({"value": values, "person": range(len(values)), **more})


@pytest.mark.parametrize(
    ("counts", "net", "low", "high"),
    [
        # Adjusted Wald, Rocks 2016: n + 3, 3/4 to each end; methods a2, equal to arithmetic by hand:
        # 50/30/20: centre 30/103, variance (71.5/103 - (30/103)^2) / 103. The lower end of the second is printed
        # there as 0.0521744143, which its own centre and upper end contradict: 2 x centre - upper is here.
        ((50, 30, 20), 0.30, 0.1405113018, 0.4420129701),
        ((350, 400, 250), 0.10, 0.0521744322, 0.1472273624),
    ],
)
def test_net_share_has_the_published_adjusted_wald_interval(counts, net, low, high):
    found = stats.net_share(_answers(*counts)).iloc[0]
    assert found["net"] == pytest.approx(net, abs=1e-12)
    assert found["net_low"] == pytest.approx(low, abs=1e-9)
    assert found["net_high"] == pytest.approx(high, abs=1e-9)
    assert found["n_effective"] == pytest.approx(sum(counts), abs=1e-9)


def test_net_share_of_a_point_has_its_variance():
    # methods a1, R NPS 1.1: 50/30/20 has variance 0.61, standard error 0.0781024968; without the 3 added answers
    # the half width is 1.959964 x that. Seen here as the limit of many answers in the same shares.
    many = stats.net_share(_answers(50_000, 30_000, 20_000)).iloc[0]
    half = (many["net_high"] - many["net_low"]) / 2
    assert half * 1000**0.5 == pytest.approx(1.959963985 * 0.0781024968, rel=1e-4)


def test_answers_of_one_person_count_once_for_the_interval():
    alone = stats.net_share(_answers(50, 30, 20)).iloc[0]
    answers = pd.concat([_answers(50, 30, 20)] * 4)  # each person answers four times, always the same
    four = stats.net_share(answers).iloc[0]
    assert (four["n"], four["n_persons"]) == (400, 100)
    assert four["n_effective"] == pytest.approx(100)
    assert (four["net_low"], four["net_high"]) == pytest.approx((alone["net_low"], alone["net_high"]))


def test_a_group_of_like_answers_has_an_interval_and_stays_within_bounds():
    found = stats.net_share(_answers(10, 0, 0)).iloc[0]
    assert found["net"] == found["net_high"] == 1
    assert 0.4 < found["net_low"] < 0.9  # the score interval of methods a3 begins at 0.4449


def test_a_family_widens_net_shares():
    answers = pd.concat([_answers(50, 30, 20, g="a"), _answers(20, 30, 50, g="b")])
    one, two = (stats.net_share(answers, by=["g"], family=k) for k in (1, 2))
    # Bonferroni: 97.5 % instead of 95 %, quantiles 2.241403 and 1.959964 (R: qnorm(c(.9875, .975)))
    width = [(frame["net_high"] - frame["net_low"]).to_numpy() for frame in (one, two)]
    assert width[1] / width[0] == pytest.approx([2.241403 / 1.959964] * 2, rel=1e-6)
    assert one["net"].tolist() == pytest.approx([0.3, -0.3])


def test_no_answer_gives_no_row():
    assert stats.net_share(_answers(0, 0, 0)).empty


def test_a_share_has_wilsons_interval():
    z = 1.959963985  # R: qnorm(.975)
    centre, half = (60 + z**2 / 2) / (100 + z**2), z / (100 + z**2) * (60 * 40 / 100 + z**2 / 4) ** 0.5
    found = stats.share(pd.DataFrame({"k": [60, 0], "n": [100, 0]}))
    assert found.loc[0, ["share_low", "share_high"]].tolist() == pytest.approx([centre - half, centre + half], abs=1e-9)
    assert found.loc[1, ["share", "share_low", "share_high"]].isna().all()


def test_small_groups_outside_the_grid_stand_together():
    rows = pd.DataFrame({"kind": ["a"] * 20 + ["b"] * 15 + ["c"] * 4 + [None] * 3, "who": range(42)})
    found = stats.publishable(rows, by=["kind"], person="who")
    # c and (unknown) are 7 persons, too few: b, the smallest that is left, joins them.
    assert found["kind"].value_counts().to_dict() == {"a": 20, "(other)": 22}
    assert rows["kind"].isna().sum() == 3  # what came in is as it was


def test_persons_count_once_and_only_who_has_an_amount_stands_behind_it():
    rows = pd.DataFrame({"kind": ["a"] * 31 + ["b"] * 30 + ["c"] * 12, "who": [*range(31), *range(30), *range(12)]})
    again = pd.concat([rows, rows[rows["kind"] == "c"]])  # twice the rows, still 12 persons
    assert set(stats.publishable(again, by=["kind"], person="who", min_n=13)["kind"]) == {"a", "(other)"}
    money = rows.assign(money=[1] * 61 + [5] * 3 + [0] * 9)  # in c only three persons spent something
    assert set(stats.publishable(money, by=["kind"], person="who", amounts=["money"])["kind"]) == {"a", "(other)"}


def test_the_lowest_is_named_only_apart_from_all_others():
    groups = pd.DataFrame({"x_low": [1.0, 3.0, 5.0], "x_high": [2.0, 4.0, 6.0]})
    assert stats.leader(groups, value="x", lowest=True) == 0
    assert stats.leader(groups.assign(x_high=[3.5, 4.0, 6.0]), value="x", lowest=True) is None
