"""Are few standards, covers, needs and the cost of variety what they are by hand, by enumeration, and as planted?"""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.sparse.csgraph import floyd_warshall
from scipy.stats import binom, norm
from scipy.stats import t as student

from conftest import SHARED
from toolkit import agreements, location
from toolkit.errors import DataError

PMED = SHARED / "reference" / "data" / "pmed1.txt"
NEEDS = [
    ("request", "fixed hour", "", "arrival"), ("request", "fixed hour", "", "stock"),
    ("request", "daily", "", "stock"),
    ("evidence", "arrival", "window_missed", "more"), ("evidence", "stock", "order_size", "less"),
    ("covers", "window", "", "arrival"), ("cents_a_year", "window", "", "300"), ("is", "window", "window", "early"),
    ("covers", "any day", "", "stock"), ("cents_a_year", "any day", "", "200"), ("is", "any day", "days", "daily"),
    ("covers", "both", "", "arrival"), ("covers", "both", "", "stock"), ("cents_a_year", "both", "", "600"),
    ("is", "both", "days", "daily"), ("is", "both", "window", "early"),
    ("weight", "", "pay", "0"), ("weight", "", "window", "2"), ("same", "days", "mon-fri", "daily"),
]  # fmt: skip


def _needs(*more: tuple) -> pd.DataFrame:
    return pd.DataFrame([*NEEDS, *more], columns=["what", "name", "key", "value"])


def _terms(held: dict[str, dict[str, str]], **more) -> pd.DataFrame:
    """Terms of agreements: {"A": {"days": "daily"}}; the customer of agreement A is "cA"."""
    rows = [
        {"ago": 0, "agreement_id": name, "customer_id": f"c{name}", "segment": "s", "term": term, "value": value,
         "department": "finance" if term == "pay" else "sales"} | more
        for name, terms in held.items() for term, value in terms.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


# -- choosing few of many ------------------------------------------------------------------------


@pytest.mark.skipif(not PMED.exists(), reason="needs ../shared/reference/data/pmed1.txt")
def test_pmed1_of_the_or_library_is_5819():
    """Published optimum; a later edge between two nodes overwrites an earlier one."""
    numbers = [int(word) for word in PMED.read_text().split()]
    nodes, edges, p = numbers[:3]
    length = np.full((nodes, nodes), np.inf)
    for a, b, cost in np.array(numbers[3 : 3 + 3 * edges]).reshape(-1, 3):
        length[a - 1, b - 1] = length[b - 1, a - 1] = cost
    far = floyd_warshall(length)
    np.fill_diagonal(far, 0)
    found = location.p_median(far, np.ones(nodes), p)
    assert (found.cost, found.gap) == (5819, 0)
    assert [place + 1 for place in found.chosen] == [7, 13, 65, 91, 99]  # by HiGHS on the plain form


def test_p_median_is_that_of_enumeration_on_200_instances():
    rng = np.random.default_rng(11)
    for _ in range(200):
        rows, places = rng.integers(2, 9), rng.integers(2, 8)
        far = rng.integers(0, 6, (rows, places)).astype("float64")
        sizes = rng.integers(1, 9, rows)
        p = int(rng.integers(1, places + 1))
        least = min(sizes @ far[:, list(some)].min(axis=1) for some in itertools.combinations(range(places), p))
        found = location.p_median(far, sizes, p)
        assert found.cost == pytest.approx(least)
        assert len(found.chosen) == p
        assert sizes @ far[:, list(found.chosen)].min(axis=1) == pytest.approx(least)


def test_cover_is_that_of_enumeration_on_200_instances():
    rng = np.random.default_rng(12)
    for _ in range(200):
        wanted = [f"n{i}" for i in range(rng.integers(1, 6))]
        names = [f"s{i}" for i in range(rng.integers(1, 7))]
        covers = {name: [need for need in wanted if rng.random() < 0.45] for name in names}
        costs = {name: float(rng.integers(1, 9)) for name in names}
        open_ = {need for need in wanted if not any(need in several for several in covers.values())}
        least = min(
            sum(costs[name] for name in some)
            for size in range(len(names) + 1)
            for some in itertools.combinations(names, size)
            if set(wanted) - open_ <= {need for name in some for need in covers[name]}
        )
        found = location.cover(covers, costs, wanted)
        assert found.cost == pytest.approx(least)
        assert set(found.uncovered) == open_
        assert set(wanted) - open_ <= {need for name in found.chosen for need in covers[name]}


def test_many_vectors_end_at_a_proven_gap_of_one_per_cent(monkeypatch):
    rng = np.random.default_rng(5)
    vectors = np.unique(rng.integers(0, 3, (800, 6)), axis=0)[:330]
    sizes = rng.integers(1, 30, len(vectors))
    far = (vectors[:, None] != vectors[None, np.argsort(-sizes)[:12]]).sum(axis=2).astype("float64")
    found = location.p_median(far, sizes, 3)
    assert 0 <= found.gap <= 0.01
    monkeypatch.setattr(location, "ALL_AT_ONCE", 1000)
    best = location.p_median(far, sizes, 3)
    assert best.gap == 0
    assert best.cost <= found.cost <= best.cost / (1 - 0.01) + 1e-9
    every = sizes @ far[:, location._greedy(far, sizes, 3)].min(axis=1)
    assert best.cost <= every <= 1.2 * best.cost


def test_places_that_cannot_be_chosen_are_refused():
    with pytest.raises(DataError) as caught:
        location.p_median(np.zeros((3, 2)), [1, 1, 1], 3)
    assert str(caught.value) == "p_median: expected 1 to 2 places to choose, found 3."
    alike = location.p_median(np.ones((3, 4)), [1, 2, 3], 2)
    assert (alike.chosen, alike.cost, alike.gap) == ((0, 1), 6.0, 0.0)


# -- terms ---------------------------------------------------------------------------------------


def test_variety_counts_what_is_worded_and_what_is_meant():
    terms = _terms({
        "A": {"days": "daily", "pay": "30"}, "B": {"days": "mon-fri", "pay": "30"},
        "C": {"days": "monday", "pay": "30"},
        "D": {"window": "early"}, "E": {"window": "early"}, "F": {"window": "late"},
    })  # fmt: skip
    found = agreements.variety(agreements.meant(terms, _needs()), min_n=1).set_index("term")
    assert found.loc["days", ["n", "share", "n_worded", "n_meant", "weight"]].tolist() == [3, 0.5, 3, 2, 1]
    assert found.loc["days", "effective"] == pytest.approx(np.exp(-(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))))
    assert found.loc["pay", ["n", "effective", "weight", "department"]].tolist() == [3, 1.0, 0, "finance"]
    assert set(agreements.variety(agreements.meant(terms, _needs()), min_n=4)["term"]) == {"(other)"}


def test_vectors_and_deviations():
    terms = agreements.meant(
        _terms({"A": {"days": "daily", "window": "early"}, "B": {"days": "mon-fri"}, "C": {"pay": "60"}}), _needs()
    )
    found = agreements.held(terms, _needs())
    assert (found.terms, found.weights.tolist()) == (("days", "window"), [1.0, 2.0])
    assert found.standard == ("daily", "")  # two of three hold it; one of three a window
    assert found.deviations.to_dict() == {"A": 2.0, "B": 0.0, "C": 1.0}
    bare = agreements.held(terms, _needs(("standard", "", "", "")))
    assert bare.standard == ("", "")
    assert bare.deviations.to_dict() == {"A": 3.0, "B": 1.0, "C": 0.0}
    early = agreements.held(terms, _needs(("standard", "", "window", "early")))
    assert early.deviations.to_dict() == {"A": 1.0, "B": 3.0, "C": 2.0}


def test_wordings_are_trimmed_and_the_most_held_comes_first():
    terms = agreements.meant(_terms({"A": {"days": " mon-fri "}, "B": {"days": "x"}, "C": {"days": "daily"}}), _needs())
    assert terms["value"].tolist() == ["daily", "x", "daily"]
    what = agreements.held(terms, _needs())
    assert what.sizes.tolist() == [2, 1]
    assert what.vectors[:, 0].tolist() == ["daily", "x"]


def test_growth_tells_each_period():
    then = _terms({"A": {"days": "daily"}}, ago=1)
    now = _terms({"A": {"days": "daily"}, "B": {"days": "mon-fri"}, "C": {"days": "monday", "window": "early"}})
    needs = _needs(("standard", "", "", ""))
    found = agreements.growth(agreements.meant(pd.concat([now, then]), needs), needs)
    assert found[["ago", "n", "n_worded", "n_meant"]].to_numpy().tolist() == [[1, 1, 1, 1], [0, 3, 3, 2]]
    assert found["deviations"].tolist() == [1.0, (1 + 1 + 3) / 3]


# -- what variety costs ----------------------------------------------------------------------------


def _orders(rng, n: int, effect: float, spread: float = 30.0) -> tuple[pd.DataFrame, pd.DataFrame, agreements.Held]:
    """Orders of 60 agreements with 0 to 3 deviations, those with more larger; each deviation takes ``effect`` s."""
    held = {f"A{i:02}": {f"t{j}": "yes" for j in range(i % 4)} | {"pay": "30"} for i in range(60)}
    needs = _needs(("standard", "", "", ""))
    what = agreements.held(agreements.meant(_terms(held), needs), needs)
    at = rng.integers(0, 80, n)  # customers from 60 on have no agreement
    extra = np.where(at < 60, at % 4, 0)
    lines = 1 + rng.poisson(1 + extra)
    usual = rng.normal(0, 20, 80)  # what a customer's orders take more, always
    orders = pd.DataFrame({
        "order_id": [f"O{i}" for i in range(n)], "customer_id": [f"cA{i:02}" for i in at],
        "agreement_id": [f"A{i:02}" if i < 60 else None for i in at], "segment": "s", "channel": "web",
        "region": np.where(at % 3, "north", "south"), "fulfilment": "home", "order_class": "two to four lines",
        "rush": False, "n_lines": lines, "quantity": lines, "weight_g": 1000 * lines, "net_revenue": 1000,
        "freight": 0, "late": rng.random(n) < 0.1, "complaint": False,
    })  # fmt: skip
    seconds = 120 + 40 * lines + effect * extra + usual[at] + rng.normal(0, spread, n)
    work = pd.DataFrame({"order_id": orders["order_id"], "pool": "desk", "seconds": np.rint(seconds).astype(int)})
    return orders, work, what


def test_the_planted_cost_of_a_deviation_is_found_and_none_where_there_is_none():
    rng = np.random.default_rng(3)
    rates = pd.Series({"desk": 2.0})
    orders, work, what = _orders(rng, 6000, 45)
    found = agreements.cost_of_variety(agreements.costed(orders, work, what, rates=rates), min_n=10).set_index(
        "outcome"
    )
    for way in ("regression", "alike"):
        assert found.loc["cost", f"{way}_low"] < 90 < found.loc["cost", f"{way}_high"]
        assert found.loc["minutes", f"{way}_low"] < 0.75 < found.loc["minutes", f"{way}_high"]
        assert found.loc["late", f"{way}_low"] < 0 < found.loc["late", f"{way}_high"]
    assert found["settled"].to_dict() == {"minutes": True, "late": False, "cost": True}  # nobody ever complained
    wrong = 0
    for seed in range(100):
        costed = agreements.costed(*_orders(np.random.default_rng([4, seed]), 1200, 0), rates=rates)
        wrong += agreements.cost_of_variety(costed, min_n=10).set_index("outcome").loc["cost", "settled"]
    assert wrong <= 6  # 1.25 % each: more than 6 of 100 in fewer than 1 of 1,000 cases


def test_cost_by_term_and_what_is_left_out():
    rng = np.random.default_rng(8)
    orders, work, what = _orders(rng, 6000, 45)
    costed = agreements.costed(orders, work, what, rates=pd.Series({"desk": 2.0}))
    found = agreements.cost_of_terms(costed, min_n=10).set_index("term")
    assert list(found.index) == ["t0", "t1", "t2"]
    assert ((found["cost_low"] < 90) & (found["cost_high"] > 90)).all()
    assert agreements.cost_of_terms(costed, min_n=16).set_index("term").index.tolist() == ["t0", "t1"]
    gone = orders.assign(agreement_id="ended before")
    assert agreements.costed(gone, work, what, rates=pd.Series(dtype=float)).empty
    assert agreements.cost_of_variety(costed[costed["deviations"] == 0], min_n=1).empty


def test_like_orders_are_compared_within_their_cells():
    """The outcome is 100 a cell more and 3 a deviation; cells with more hold more deviations."""
    rng = np.random.default_rng(2)
    n = 400
    cell, extra = rng.integers(0, 2, n), rng.integers(0, 3, n)
    orders = pd.DataFrame({
        "customer_id": [f"c{i}" for i in range(n)], "segment": "s", "channel": np.where(cell, "app", "web"),
        "region": "r", "fulfilment": "f", "order_class": "k", "rush": False, "n_lines": 1, "quantity": 1,
        "weight_g": 1000, "deviations": (extra + cell * rng.integers(0, 2, n)).astype("float64"), "late": None,
        "complaint": False,
    })  # fmt: skip
    y = 100.0 * cell + 3.0 * orders["deviations"]
    orders = orders.assign(minutes=y, cost=y)
    found = agreements.cost_of_variety(orders, min_n=10).set_index("outcome").loc["cost"]
    assert found["alike"] == pytest.approx(3)
    assert found["regression"] == pytest.approx(3)
    assert found["alike_share"] == 1.0


def test_the_intervals_of_four_outcomes_hold_together():
    assert agreements._far(0.95, 10) == pytest.approx(student.ppf(1 - 0.05 / 2 / 4, 9))
    assert agreements._far(0.95, 10, 1) == pytest.approx(student.ppf(0.975, 9))


def test_few_customers_among_alike_orders_tell_nothing(monkeypatch):
    costed = agreements.costed(*_orders(np.random.default_rng(3), 6000, 45), rates=pd.Series({"desk": 2.0}))
    monkeypatch.setattr(agreements, "_alike", lambda y, orders: (90.0, 2.0, 9, 1.0))
    row = agreements.cost_of_variety(costed, min_n=10).set_index("outcome").loc["cost"]
    assert np.isnan(row["alike"])
    assert not row["settled"]


@pytest.mark.parametrize(("other", "settled"), [((90.0, 2.0), True), ((90.0, 200.0), False), ((-90.0, 2.0), False)])
def test_a_cost_is_settled_only_if_both_ways_say_so(monkeypatch, other, settled):
    costed = agreements.costed(*_orders(np.random.default_rng(3), 6000, 45), rates=pd.Series({"desk": 2.0}))
    monkeypatch.setattr(agreements, "_alike", lambda y, orders: (*other, 60, 1.0))
    assert agreements.cost_of_variety(costed, min_n=10).set_index("outcome").loc["cost", "settled"] == settled


def test_deviations_weigh_what_their_terms_weigh():
    terms, needs = _two_kinds()
    what = agreements.held(terms, needs)
    orders = pd.DataFrame({
        "order_id": ["1", "2", "3"], "agreement_id": ["W0", "D0", None], "freight": 5, "net_revenue": 1,
        "customer_id": ["a", "b", "c"],
    })  # fmt: skip
    work = pd.DataFrame({"order_id": [], "pool": [], "seconds": []}).astype({"seconds": "float64"})
    found = agreements.costed(orders, work, what, rates=pd.Series(dtype="float64"))
    assert found["deviations"].tolist() == [2.0, 1.0, 0.0]
    assert found[["term: days", "term: window"]].to_numpy().tolist() == [[0, 1], [1, 0], [0, 0]]
    assert agreements.deviating(terms, what)["term"].value_counts().to_dict() == {"window": 12, "days": 10}
    kept = orders.assign(agreement_id=["W0", None, "ended"])
    placed = pd.DataFrame({"order_id": ["1", "2", "3", "4"]})
    assert agreements.tailored(placed, kept, what).to_dict() == {"1": True, "2": False, "4": False}


def test_work_without_a_known_cost_is_left_out():
    orders, work, what = _orders(np.random.default_rng(1), 10, 0)
    found = agreements.costed(orders, work, what, rates=pd.Series({"other": 1.0}))
    assert found["cost"].tolist() == [0.0] * 10
    assert found["minutes"].tolist() == pytest.approx(work["seconds"] / 60)


# -- needs ---------------------------------------------------------------------------------------


def _counts(people: dict[str, tuple[tuple[int, int], tuple[int, int]]]) -> pd.DataFrame:
    """By customer: (arrivals, missed), (orders, pieces of each)."""
    rows = []
    for name, ((arrivals, missed), (orders, pieces)) in people.items():
        rows += [(name, "s", "window_missed", 1, missed), (name, "s", "window_missed", 0, arrivals - missed)]
        rows += [(name, "s", "order_size", pieces, orders - 1), (name, "s", "order_size", pieces + 1, 1)]
    return pd.DataFrame(rows, columns=["customer_id", "segment", "measure", "value", "n"])


PEERS = {f"p{i:02}": ((20, 4), (20, 10)) for i in range(12)}


def _asked(*people: str, kind: str = "fixed hour", segment: str = "s") -> pd.DataFrame:
    rows = [(f"R{i}", name, segment, kind) for i, name in enumerate(people)]
    return pd.DataFrame(rows, columns=["request_id", "customer_id", "segment", "request_type"])


def test_each_request_gets_the_need_its_own_customer_shows():
    people = PEERS | {
        "misses": ((20, 16), (20, 10)), "small": ((20, 4), (20, 3)), "both": ((20, 14), (20, 6)),
        "few": ((4, 4), (4, 2)), "like all": ((20, 4), (20, 10)),
    }  # fmt: skip
    asked = _asked("misses", "small", "both", "few", "like all", "nobody")
    found = agreements.settle(asked, _counts(people), _needs()).set_index("customer_id")
    assert found["need"].to_dict() == {
        "misses": "arrival", "small": "stock", "both": "", "few": "", "like all": "", "nobody": "",
    }  # fmt: skip
    assert found["how"].tolist() == [
        "settled", "settled", "both ways", "not on record", "too little evidence", "not on record",
    ]  # fmt: skip


def test_what_a_request_type_alone_tells():
    counts = _counts(PEERS)
    one = agreements.settle(_asked("p01", kind="daily"), counts, _needs())
    assert one[["need", "how"]].to_numpy().tolist() == [["stock", "declared"]]
    other = agreements.settle(_asked("p01", kind="a pony"), counts, _needs())
    assert other[["need", "how"]].to_numpy().tolist() == [["", "unknown request type"]]
    refused = agreements.settle(_asked("p01", segment="(other)"), counts, _needs())
    assert refused[["need", "how"]].to_numpy().tolist() == [["", "not profiled"]]


def test_z_of_a_share_is_a_mid_p_and_of_a_mean_that_of_its_error(monkeypatch):
    """By hand: peers of "x" miss 4 of 20; 10 of 20 of hers."""
    counts = _counts(PEERS | {"x": ((20, 10), (20, 10))})
    z = agreements._support(counts, {"arrival": {"window_missed": "more"}})["arrival"]
    mid = binom.sf(10, 20, 0.2) + binom.pmf(10, 20, 0.2) / 2
    own, peers = 0.2 * 0.8 / 20, np.var([0.2] * 12 + [0.5], ddof=1) / 12  # what the peers' mean is unsure of
    assert z["x"] == pytest.approx(norm.isf(mid) * (own / (own + peers)) ** 0.5)
    monkeypatch.setattr(agreements, "_PEERS", 3)
    sizes = [("a", 2, 6), ("b", 4, 6), ("c", 8, 6)]
    rows = [(name, "s", "order_size", value, n) for name, size, n in sizes for value in (size, 2 * size)]
    counts = pd.DataFrame(rows, columns=["customer_id", "segment", "measure", "value", "n"])
    z = agreements._support(counts, {"large": {"order_size": "more"}, "small": {"order_size": "less"}})
    log2 = np.log(2)
    means = np.array([1.5, 2.5, 3.5]) * log2
    within = 36 * (log2 / 2) ** 2 / (36 - 3)
    error = np.sqrt(within / 12 + means.var(ddof=1) / 2)
    assert z["large"]["c"] == pytest.approx((means[2] - means[:2].mean()) / error)
    assert (z["large"] == -z["small"]).all()


def test_two_measures_of_a_need_are_joined_by_stouffer():
    counts = _counts(PEERS | {"x": ((20, 10), (20, 4))})
    both = {"window_missed": "more", "order_size": "less"}
    z = agreements._support(counts, {"one": {"window_missed": "more"}, "two": {"order_size": "less"}, "both": both})
    assert z.loc["x", "both"] == pytest.approx((z.loc["x", "one"] + z.loc["x", "two"]) / 2**0.5)


def test_uneven_sizes_are_told_from_the_own_median():
    rows = [
        ("even", "s", "order_size", 8, 12),
        ("uneven", "s", "order_size", 2, 6),
        ("uneven", "s", "order_size", 32, 6),
    ]
    rows += [(f"p{i}", "s", "order_size", value, 4) for i in range(10) for value in (6, 8, 10)]
    counts = pd.DataFrame(rows, columns=["customer_id", "segment", "measure", "value", "n"])
    z = agreements._support(counts, {"unpredictable": {"uneven_size": "more"}})["unpredictable"]
    assert z.idxmax() == "uneven"
    assert z.idxmin() == "even"
    assert z["uneven"] > 3


def test_few_peers_tell_nothing():
    counts = _counts({f"p{i}": ((20, 4), (20, 10)) for i in range(8)} | {"x": ((20, 18), (20, 10))})
    found = agreements.settle(_asked("x"), counts, _needs())
    assert found["how"].tolist() == ["not on record"]


def test_by_chance_no_more_are_settled_than_the_confidence_says():
    """400 customers alike in all but chance: 5 % at most; of 400, more than 33 in 2 of 1,000 cases."""
    rng = np.random.default_rng(21)
    rows = []
    for i in range(400):
        missed = rng.binomial(15, 0.3)
        rows += [(f"c{i:03}", "s", "window_missed", 1, missed), (f"c{i:03}", "s", "window_missed", 0, 15 - missed)]
        rows += [(f"c{i:03}", "s", "order_size", int(size), 1) for size in rng.integers(1, 30, 15)]
    counts = pd.DataFrame(rows, columns=["customer_id", "segment", "measure", "value", "n"])
    found = agreements.settle(_asked(*(f"c{i:03}" for i in range(400))), counts, _needs())
    assert 3 <= (found["how"] == "settled").sum() <= 33


def test_the_evidence_of_each_need_is_shown_beside_the_others():
    people = PEERS | {"misses": ((20, 16), (20, 10)), "small": ((20, 4), (20, 3))}
    asked = pd.concat([_asked("misses", "small"), _asked("misses")], ignore_index=True)
    settled = agreements.settle(asked, _counts(people), _needs())
    found = agreements.evidence_for(settled, _counts(people), _needs(), min_n=1)
    found = found.set_index(["need", "measure"])
    assert found["n_customers"].tolist() == [1, 1, 1, 1]
    missed = found.loc[("arrival", "window_missed")]
    assert (missed["asked"], missed["theirs"], missed["others"]) == ("more", pytest.approx(0.8), pytest.approx(0.2))
    size = found.loc[("stock", "order_size")]
    assert size["asked"] == "less"
    assert size["theirs"] == pytest.approx(np.exp((19 * np.log(3) + np.log(4)) / 20))
    assert size["others"] == pytest.approx(np.exp((19 * np.log(10) + np.log(11)) / 20))
    assert found.loc[("arrival", "order_size"), "asked"] == ""
    assert agreements.evidence_for(settled, _counts(people), _needs(), min_n=2).empty


def test_needs_of_few_customers_count_as_not_settled():
    settled = pd.DataFrame({
        "request_id": range(30), "customer_id": range(30), "request_type": "fixed hour",
        "need": ["arrival"] * 12 + ["stock"] * 3 + [""] * 15,
    })  # fmt: skip
    found = agreements.needs_behind(settled, min_n=10)
    assert found[["need", "n"]].to_numpy().tolist() == [["(not settled)", 18], ["arrival", 12]]
    assert found["share"].tolist() == [0.6, 0.4]
    assert agreements.needs_found(settled, min_n=10) == ["arrival"]
    assert agreements.needs_found(settled, min_n=3) == ["arrival", "stock"]


# -- the standard set ------------------------------------------------------------------------------


def _two_kinds() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ten agreements on a window, eight on days, two on both, one on none of it."""
    held = {f"W{i}": {"window": "early", "pay": "60"} for i in range(10)}
    held |= {f"D{i}": {"days": "daily", "pay": "30"} for i in range(8)}
    held |= {"B0": {"window": "early", "days": "daily"}, "B1": {"window": "late", "days": "daily"}, "N": {"pay": "30"}}
    needs = _needs(("standard", "", "", ""))
    return agreements.meant(_terms(held), needs), needs


def test_the_standards_are_those_that_leave_least():
    terms, needs = _two_kinds()
    what = agreements.held(terms, needs)
    found = agreements.standard_set(what, needs, wanted=2)
    places = [dict(zip(what.terms, found.places[at], strict=True)) for at in found.chosen[2]]
    assert {"days": "", "window": "early"} in places
    assert {"days": "daily", "window": ""} in places
    assert found.curve["left"].tolist()[:2] == [8 * 3 + 1 + 3 + 2, 1 + 2 + 1]  # windows weigh 2; B0, B1, N
    assert found.curve["left"].iloc[-1] == 0
    assert found.recommended == 2
    alone = agreements.standard_set(what, needs, wanted=0)
    assert alone.recommended == 2  # a third would take away 2 of 30
    assert agreements.solutions(needs, ["stock", "arrival"]).chosen == ("window", "any day")


def test_moves_say_what_is_lost_gained_and_changed():
    terms, needs = _two_kinds()
    what = agreements.held(terms, needs)
    found = agreements.standard_set(what, needs, wanted=2)
    moved = agreements.moves(terms, what, found).set_index("agreement_id")
    number = {tuple(found.places[at]): i for i, at in enumerate(found.chosen[2], start=1)}
    assert (moved.loc[[f"W{i}" for i in range(10)], "standard"] == number["", "early"]).all()
    columns = ["lost", "gained", "changed", "saved"]
    assert moved.loc["W1", columns].tolist() == [0, 0, 0, 0]
    assert moved.loc["B0", columns].tolist() == [1, 0, 0, 1]  # to the window: the days weigh less
    assert moved.loc["B1", columns].tolist() == [1, 0, 0, 2]  # another window is none: it goes
    assert moved.loc["N", columns].tolist() == [0, 1, 0, -1]
    told = agreements.standards(what, found, moved.reset_index(), needs, min_n=1).set_index("terms")
    assert told.loc["window: early", ["n", "n_as_is", "covers"]].tolist() == [11, 10, "arrival"]
    assert told.loc["days: daily", ["n", "n_as_is", "covers"]].tolist() == [10, 8, "stock"]
    spoken = agreements.talks(moved.reset_index(), min_n=1)
    assert spoken[["n", "n_as_is", "n_losing", "lost", "gained"]].sum().tolist() == [21, 18, 2, 2, 1]
    about = agreements.topics(terms, moved.reset_index(), min_n=1).set_index("term")
    assert about.loc["days", ["n_lost", "n_gained", "n_changed"]].tolist() == [1, 1, 0]
    assert "pay" not in about.index  # neither of the two who lose holds a payment term


def test_what_lies_on_the_table():
    held = {f"W{i}": {"window": "early", "days": "daily", "pay": "60"} for i in range(3)}
    held |= {f"D{i}": {"days": "daily", "pay": "30"} for i in range(8)}
    needs = _needs(("standard", "", "", ""))
    terms = agreements.meant(_terms(held), needs)
    what = agreements.held(terms, needs)
    moved = agreements.moves(terms, what, agreements.standard_set(what, needs, wanted=1))
    about = agreements.topics(terms, moved, min_n=3).set_index("term")
    assert about.loc["pay", ["department", "on_the_table"]].tolist() == ["finance", 3]
    assert about.loc["window", "n_lost"] == 3


def test_what_is_saved_and_what_is_at_risk():
    terms, needs = _two_kinds()
    what = agreements.held(terms, needs)
    found = agreements.standard_set(what, needs, wanted=2)
    moved = agreements.moves(terms, what, found)
    orders = pd.DataFrame({
        "agreement_id": ["B0", "B0", "B1", "N", None], "customer_id": ["cB0", "cB0", "cB1", "cN", "x"],
        "net_revenue": [60, 50, 110, 30, 1000],
    })  # fmt: skip
    costs = pd.DataFrame({
        "outcome": ["cost"], "alike": [20.0], "alike_low": [10.0], "alike_high": [30.0], "settled": [True],
    })  # fmt: skip
    settled = pd.DataFrame({"customer_id": ["cB0", "cB1"], "need": ["stock", "stock"]})
    covers = agreements.covered(what, found, needs)
    told = agreements.saving(orders, moved, costs, settled, covers, days=73)
    assert told.deviations == 2 * 1 + 2 - 1
    assert (told.value, told.low, told.high) == pytest.approx(tuple(3 * x * 365.25 / 73 for x in (20, 10, 30)))
    assert (told.at_risk, told.n_losing, told.n_uncovered, told.settled) == (220.0, 2, 1, True)
    assert np.isnan(told.uncovered)  # B0 keeps the window, which covers arrival; and alone is no sum to be told
    assert told.n_changed == 3
    none = agreements.saving(orders, moved, costs.iloc[:0], settled, covers, days=73)
    assert np.isnan(none.value)
    assert not none.settled


def test_a_term_that_weighs_nothing_makes_no_variety():
    needs = _needs(("weight", "", "days", "0"))
    terms = agreements.meant(_terms({"A": {"pay": "30"}, "B": {"days": "daily"}}), needs.iloc[-3:])
    what = agreements.held(terms, needs[needs["what"] == "weight"].assign(value="0"))
    assert what.terms == ()
    assert what.deviations.to_dict() == {"A": 0.0, "B": 0.0}
    assert agreements.standard_set(what, needs, wanted=1).recommended == 0


def test_growth_is_told_against_the_standard_of_today():
    then = _terms({name: {"window": "early"} for name in "ABC"}, ago=1)
    now = _terms({name: {"days": "daily"} for name in "ABC"})
    terms = agreements.meant(pd.concat([now, then]), _needs())
    assert agreements.growth(terms, _needs())["deviations"].tolist() == [3.0, 0.0]
    few = agreements.meant(pd.concat([now, then.iloc[:2]]), _needs(), min_n=3)
    assert set(few["ago"]) == {0}


def test_moving_onto_the_standard_saves_its_deviations():
    """Of 40 agreements that are the standard and 12 that lack a term of it, the 12 gain it: 12 deviations go."""
    held = {f"S{i}": {"days": "daily", "window": "early"} for i in range(40)} | {
        f"W{i}": {"window": "early"} for i in range(12)
    }
    needs = _needs()
    terms = agreements.meant(_terms(held), needs)
    what = agreements.held(terms, needs)
    assert what.standard == ("daily", "early")
    moved = agreements.moves(terms, what, agreements.standard_set(what, needs, wanted=1))
    assert moved["saved"].sum() == 12
    assert moved["gained"].sum() == 12


def test_what_few_hold_becomes_no_standard_and_few_are_not_counted():
    terms, needs = _two_kinds()
    what = agreements.held(terms, needs)
    needs = needs[~needs["what"].isin(["is", "covers", "cents_a_year"])]
    found = agreements.standard_set(what, needs, wanted=3, min_n=9)
    assert [tuple(place) for place in found.places] == [("", "early")]
    none = agreements.standard_set(what, needs, wanted=3, min_n=11)
    assert (none.recommended, len(none.places)) == (0, 0)
    moved = agreements.moves(terms, what, found)
    told = agreements.standards(what, found, moved, needs, min_n=15).iloc[0]
    assert (told["n"], told["n_as_is"] is pd.NA) == (21, True)  # ten are so already
    spoken = agreements.talks(moved.assign(segment=["(other)"] * 5 + ["s"] * 16), min_n=10)
    assert spoken["n"].sum() == 16
    assert spoken["n_as_is"].isna().all()


def test_an_unknown_interval_settles_nothing(monkeypatch):
    costed = agreements.costed(*_orders(np.random.default_rng(3), 6000, 45), rates=pd.Series({"desk": 2.0}))
    monkeypatch.setattr(agreements, "_alike", lambda y, orders: (np.nan, np.nan, 0, 0.0))
    found = agreements.cost_of_variety(costed, min_n=10)
    assert not found["settled"].any()
    few = costed[(costed["deviations"] == 0) | costed["customer_id"].isin(["cA01", "cA05"])]
    assert agreements.cost_of_variety(few, min_n=3).empty
    orders, work, what = _orders(np.random.default_rng(3), 9, 0)
    untold = agreements.costed(orders, work.iloc[:0], what, rates=pd.Series(dtype="float64"))
    assert untold[["minutes", "cost"]].isna().all(axis=None)  # no work is on record


def test_nobody_holds_an_agreement():
    needs, terms = _needs(), _terms({"A": {"pay": "30"}}).iloc[:0]
    terms = agreements.meant(terms, needs)
    what = agreements.held(terms, needs)
    found = agreements.standard_set(what, needs, wanted=2)
    assert (len(what.of), found.recommended, len(found.curve)) == (0, 0, 0)
    assert agreements.moves(terms, what, found).empty
    assert agreements.variety(terms, min_n=1).empty
    assert agreements.growth(terms, needs).empty
