"""Which few standard solutions cover the needs behind all agreements and requests, and what does variety cost?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binom, norm
from scipy.stats import t as student

from toolkit import drivers, location, stats

CANDIDATES = 40  # combinations that may become a standard, beside declared solutions
_PEERS = 10  # customers of whom as much is known, for one to be told from the others
_ENOUGH = 5  # orders of a customer of which a measure is known
_FARTHEST = 8.0  # z beyond which nothing is told any better
_ABSENT = ""  # the value of a term that an agreement does not hold
_OUTCOMES = ("minutes", "late", "complaint", "cost")
_PLACES = ["segment", "channel", "region", "fulfilment"]
_NOT_SETTLED = "(not settled)"
_ONE_OR_NONE = ("window_missed", "late", "short", "rush", "stock_out")  # measures that an order shows, or not


# -- terms ---------------------------------------------------------------------------------------


def meant(terms: pd.DataFrame, needs: pd.DataFrame, *, min_n: int = 1) -> pd.DataFrame:
    """Terms as they are meant: wordings that mean the same are one value; what each weighs.

    Parameters
    ----------
    terms
        The frame ``agreed_terms``.
    needs
        The frame ``needs``.
    min_n
        Moments at which fewer customers hold agreements are left out.

    Returns
    -------
    DataFrame
        ``terms`` (one row a moment, agreement and term) with ``worded`` (the value as it was, trimmed), ``value`` (as
        meant) and ``weight`` (1 where none is declared; 0: no part of the service).

    Notes
    -----
    docs/METHODS.md section 4.0.

    Examples
    --------
    >>> terms = pd.DataFrame({"term": ["days", "days", "pay"], "value": ["mon-fri", "daily", "30"]})
    >>> rows = [("same", "days", "mon-fri", "daily"), ("weight", "", "pay", "0")]
    >>> meant(terms, pd.DataFrame(rows, columns=["what", "name", "key", "value"]))
       term  value   worded  weight
    0  days  daily  mon-fri       1
    1  days  daily    daily       1
    2   pay     30       30       0
    """
    same = needs[needs["what"] == "same"]
    known = dict(zip(zip(same["name"], same["key"], strict=True), same["value"], strict=True))
    weights = _weights(needs)
    if min_n > 1:
        terms = terms[terms.groupby("ago")["customer_id"].transform("nunique") >= min_n]
    worded = terms["value"].astype("str").str.strip()
    value = [known.get(pair, pair[1]) for pair in zip(terms["term"], worded, strict=True)]
    return terms.assign(worded=worded, value=value, weight=[weights.get(each, 1) for each in terms["term"]])


def _weights(needs: pd.DataFrame) -> dict[str, int]:
    rows = needs[needs["what"] == "weight"]
    return dict(zip(rows["key"], rows["value"].astype("int64"), strict=True))


def effective_number(counts: Sequence[int]) -> float:
    """How many equally common kinds are as various as these: exp of Shannon's entropy (Hill number of order 1).

    Parameters
    ----------
    counts
        How many there are of each kind, 0 or more.

    Returns
    -------
    float
        Number of kinds, from 1 to as many as there are; 0 where there are none.

    Notes
    -----
    docs/METHODS.md section 4.1. Jost, *Oikos* 113, 2006.

    Examples
    --------
    Four kinds alike are four; where nearly all are of one kind, the three others hardly count.

    >>> round(effective_number([5, 5, 5, 5]), 9), round(effective_number([97, 1, 1, 1]), 2)
    (4.0, 1.18)
    """
    share = np.asarray(counts, dtype="float64")
    share = share[share > 0] / max(share.sum(), 1)
    return float(np.exp(-(share * np.log(share)).sum())) if len(share) else 0.0


def variety(terms: pd.DataFrame, *, min_n: int) -> pd.DataFrame:
    """How various each term is.

    Parameters
    ----------
    terms
        The result of ``meant`` at one moment.
    min_n
        Terms that fewer customers hold, or one of them more than half of, stand together as "(other)".

    Returns
    -------
    DataFrame
        One row a term: ``department`` (most often agreed by), ``n`` (agreements that hold it), ``share`` (of all, 0-1),
        ``n_worded``, ``n_meant`` (values), ``effective`` (number of values as meant), ``weight``.

    Notes
    -----
    docs/METHODS.md section 4.1. The agreements are all there are: no interval.

    Examples
    --------
    >>> days = {"term": "days", "worded": ["daily", "mon-fri", "monday"], "value": ["daily", "daily", "monday"]}
    >>> window = {"term": "window", "worded": "early", "value": "early"}
    >>> terms = pd.concat([pd.DataFrame(days), pd.DataFrame(window, index=range(3))], ignore_index=True)
    >>> terms = terms.assign(agreement_id=list("ABCCDE"), customer_id=list("vwxxyz"), department="sales", weight=1)
    >>> variety(terms, min_n=2)[["term", "n", "share", "n_worded", "n_meant", "effective"]].round(2)
         term  n  share  n_worded  n_meant  effective
    0    days  3    0.6         3        2       1.89
    1  window  3    0.6         1        1       1.00
    """
    every = terms["agreement_id"].nunique()
    found = []
    for term, rows in stats.publishable(terms, by=["term"], person="customer_id", min_n=min_n).groupby("term"):
        departments = rows["department"].fillna(stats.UNKNOWN).value_counts()
        found.append(
            {
                "term": term,
                "department": sorted(departments.index[departments == departments.max()])[0],
                "n": rows["agreement_id"].nunique(),
                "share": rows["agreement_id"].nunique() / every,
                "n_worded": rows["worded"].nunique(),
                "n_meant": rows["value"].nunique(),
                "effective": effective_number(rows["value"].value_counts()),
                "weight": int(rows["weight"].iloc[0]),
            }
        )
    columns = ["term", "department", "n", "share", "n_worded", "n_meant", "effective", "weight"]
    return pd.DataFrame(found, columns=columns)


@dataclass(frozen=True, eq=False)
class Held:
    """What agreements hold, as vectors over the terms that weigh something.

    Attributes
    ----------
    terms, weights
        Names of the terms, sorted, and what each weighs.
    vectors
        One row a distinct vector, most held first: value of each term, "" where it is not held.
    sizes
        Agreements that hold each vector.
    of
        By agreement, its vector.
    standard
        The company's standard, value of each term.

    Notes
    -----
    docs/METHODS.md section 4.1.

    Examples
    --------
    >>> rows = [("A", "days", "daily"), ("B", "days", "daily"), ("B", "window", "early"), ("C", "days", "daily")]
    >>> terms = pd.DataFrame(rows, columns=["agreement_id", "term", "value"])
    >>> what = held(terms, pd.DataFrame(columns=["what", "name", "key", "value"]))
    >>> what.terms, what.vectors.tolist(), what.sizes.tolist()
    (('days', 'window'), [['daily', ''], ['daily', 'early']], [2, 1])
    >>> what.of.to_dict()
    {'A': 0, 'B': 1, 'C': 0}
    """

    terms: tuple[str, ...]
    weights: np.ndarray
    vectors: np.ndarray
    sizes: np.ndarray
    of: pd.Series
    standard: tuple[str, ...]

    @property
    def deviations(self) -> pd.Series:
        """By agreement: weights of the terms in which it is not the standard.

        Notes
        -----
        docs/METHODS.md section 4.1. Both to lack a term of the standard and to hold one besides are deviations.

        Examples
        --------
        >>> rows = [("A", "days", "daily"), ("B", "days", "daily"), ("B", "window", "early"), ("C", "days", "monday")]
        >>> terms = pd.DataFrame(rows, columns=["agreement_id", "term", "value"])
        >>> needs = pd.DataFrame([("weight", "", "window", "2")], columns=["what", "name", "key", "value"])
        >>> held(terms, needs).deviations.to_dict()  # the standard: daily, and no window
        {'A': 0.0, 'B': 2.0, 'C': 1.0}
        """
        far = distances(self.vectors, np.array([self.standard], dtype=object), self.weights)[:, 0]
        return pd.Series(far[self.of.to_numpy()], index=self.of.index)


def held(terms: pd.DataFrame, needs: pd.DataFrame, *, standard: dict[str, str] | None = None) -> Held:
    """The vectors that agreements hold, and the standard: the declared one, else what most have of each term.

    Parameters
    ----------
    terms
        The result of ``meant`` at one moment.
    needs
        The frame ``needs``.
    standard
        Of another moment, value by term, to be held against in place of that; terms not in it are no part of it.

    Returns
    -------
    Held
        Over the terms of agreements, of the declared standard and of declared solutions, but for those that weigh 0.

    Raises
    ------
    ValueError
        If an agreement has a term twice, as in the terms of several moments.

    Notes
    -----
    docs/METHODS.md section 4.1.

    Examples
    --------
    >>> rows = [("A", "days", "daily"), ("B", "days", "daily"), ("B", "window", "early"), ("C", "days", "monday")]
    >>> terms = pd.DataFrame(rows, columns=["agreement_id", "term", "value"])
    >>> needs = pd.DataFrame(columns=["what", "name", "key", "value"])
    >>> held(terms, needs).standard, held(terms, needs, standard={"window": "early"}).standard
    (('daily', ''), ('', 'early'))
    >>> needs.loc[0] = ["standard", "", "days", "monday"]
    >>> held(terms, needs).standard
    ('monday', '')
    """
    weights = _weights(needs)
    declared = needs[needs["what"] == "standard"]
    solved = needs[needs["what"] == "is"]
    names = sorted({*terms["term"], *declared["key"], *solved["key"]} - {""})
    names = [name for name in names if weights.get(name, 1)]
    wide = terms.pivot(index="agreement_id", columns="term", values="value")
    wide = wide.reindex(columns=names).fillna(_ABSENT).astype("str")
    if not names:
        size = int(bool(len(wide)))
        of = pd.Series(0, index=wide.index, dtype="int64")
        return Held((), np.empty(0), np.empty((size, 0), dtype=object), np.full(size, len(wide)), of, ())
    kinds = wide.groupby(names, sort=True).size()
    kinds = kinds.sort_values(ascending=False, kind="stable")
    rows = [key if isinstance(key, tuple) else (key,) for key in kinds.index]
    place = {row: at for at, row in enumerate(rows)}
    of = pd.Series([place[row] for row in wide.itertuples(index=False, name=None)], index=wide.index, dtype="int64")
    if standard is not None:
        standard = tuple(standard.get(name, _ABSENT) for name in names)
    elif len(declared):  # a standard of no terms has one row, of none
        known = dict(zip(declared["key"], declared["value"], strict=True))
        standard = tuple(known.get(name, _ABSENT) for name in names)
    else:
        standard = tuple(wide[name].mode().iloc[0] if len(wide) else _ABSENT for name in names)
    vectors = np.array(rows, dtype=object).reshape(len(rows), len(names))
    weight = np.array([weights.get(name, 1) for name in names], dtype="float64")
    return Held(tuple(names), weight, vectors, kinds.to_numpy("int64"), of, standard)


def growth(terms: pd.DataFrame, needs: pd.DataFrame) -> pd.DataFrame:
    """Variety at the end of this period and of those before.

    Parameters
    ----------
    terms
        The result of ``meant``.
    needs
        The frame ``needs``.

    Returns
    -------
    DataFrame
        One row a period, the oldest first: ``ago`` (periods), ``n`` (agreements), ``n_worded``, ``n_meant``
        (combinations of terms that weigh something), ``effective`` (number, as meant), ``deviations`` (mean an
        agreement, from the standard of the newest). To hold no such term is a combination of ``n_meant``, none of
        ``n_worded``.

    Notes
    -----
    docs/METHODS.md section 4.1.

    Examples
    --------
    One agreement a period ago; since then another that means the same, and one that means something else.

    >>> rows = [(1, "A", "daily"), (0, "A", "daily"), (0, "B", "mon-fri"), (0, "C", "monday")]
    >>> terms = pd.DataFrame(rows, columns=["ago", "agreement_id", "value"]).assign(customer_id="x", term="days")
    >>> needs = pd.DataFrame([("same", "days", "mon-fri", "daily")], columns=["what", "name", "key", "value"])
    >>> growth(meant(terms, needs), needs).round(2)
       ago  n  n_worded  n_meant  effective  deviations
    0    1  1         1        1       1.00        0.00
    1    0  3         3        2       1.89        0.33
    """
    found = []
    if terms.empty:
        return pd.DataFrame(columns=["ago", "n", "n_worded", "n_meant", "effective", "deviations"])
    now = held(terms[terms["ago"] == terms["ago"].min()], needs)
    standard = dict(zip(now.terms, now.standard, strict=True))
    for ago, rows in sorted(terms.groupby("ago"), reverse=True):
        what = held(rows, needs, standard=standard)
        heavy = rows[rows["weight"] > 0].sort_values("term")
        worded = (heavy["term"] + "\0" + heavy["worded"]).groupby(heavy["agreement_id"]).agg("\0".join)
        found.append(
            {
                "ago": int(ago),
                "n": len(what.of),
                "n_worded": worded.nunique(),
                "n_meant": len(what.sizes),
                "effective": effective_number(what.sizes),
                "deviations": float(what.deviations.mean()),
            }
        )
    return pd.DataFrame(found, columns=["ago", "n", "n_worded", "n_meant", "effective", "deviations"])


def tailored(orders: pd.DataFrame, agreed: pd.DataFrame, what: Held) -> pd.Series:
    """By order id: does its agreement deviate from the standard? Not of agreements that are no more in force.

    Parameters
    ----------
    orders
        The frame ``orders`` (not cancelled): ``order_id``.
    agreed
        The frame ``agreed_orders``: ``order_id``, ``agreement_id``.
    what
        The result of ``held``.

    Returns
    -------
    Series
        True or False by order id, those of ``agreed`` first. An order without an agreement, or of a segment without
        agreements, follows the standard; one of an agreement that ``what`` does not know has no entry.

    Notes
    -----
    docs/METHODS.md section 6.2.

    Examples
    --------
    >>> rows = [("A", "days", "daily"), ("B", "days", "daily"), ("C", "days", "monday")]
    >>> terms = pd.DataFrame(rows, columns=["agreement_id", "term", "value"])
    >>> what = held(terms, pd.DataFrame(columns=["what", "name", "key", "value"]))
    >>> agreed = pd.DataFrame({"order_id": ["1", "2", "3", "4"], "agreement_id": ["A", "C", None, "ended"]})
    >>> tailored(pd.DataFrame({"order_id": ["1", "2", "3", "4", "5"]}), agreed, what).to_dict()
    {'1': False, '2': True, '3': False, '5': False}
    """
    known = agreed[agreed["agreement_id"].isna() | agreed["agreement_id"].isin(what.of.index)]
    far = known.set_index("order_id")["agreement_id"].map(what.deviations).fillna(0) > 0
    others = orders["order_id"][~orders["order_id"].isin(agreed["order_id"])]
    return pd.concat([far, pd.Series(False, index=pd.Index(others))]).astype(bool)


def deviating(terms: pd.DataFrame, what: Held) -> pd.DataFrame:
    """``agreement_id`` and ``term`` of terms that agreements hold otherwise than the standard.

    Parameters
    ----------
    terms
        The result of ``meant`` at one moment.
    what
        The result of ``held``.

    Returns
    -------
    DataFrame
        One row an agreement and term: ``agreement_id``, ``term``, in the order of ``terms``. A term of the standard
        that an agreement lacks is no row, though it is one of its ``deviations``; nor is one that weighs 0.

    Notes
    -----
    docs/METHODS.md section 4.1.

    Examples
    --------
    >>> rows = [("A", "days", "daily"), ("B", "days", "monday"), ("B", "window", "early"), ("C", "days", "daily")]
    >>> terms = pd.DataFrame(rows, columns=["agreement_id", "term", "value"])
    >>> what = held(terms, pd.DataFrame(columns=["what", "name", "key", "value"]))
    >>> deviating(terms, what).values.tolist()  # the standard: daily, and no window
    [['B', 'days'], ['B', 'window']]
    """
    usual = dict(zip(what.terms, what.standard, strict=True))
    other = [usual.get(term, value) != value for term, value in zip(terms["term"], terms["value"], strict=True)]
    return terms.loc[other, ["agreement_id", "term"]]


# -- what variety costs ----------------------------------------------------------------------------


def costed(orders: pd.DataFrame, work: pd.DataFrame, what: Held, *, rates: pd.Series) -> pd.DataFrame:
    """Orders with what they took and how far their agreement is from the standard.

    Parameters
    ----------
    orders, work
        The frames ``agreed_orders`` and ``agreed_work``.
    what
        The result of ``held``.
    rates
        Cents a second by pool; pools that are not in it cost nothing here.

    Returns
    -------
    DataFrame
        ``orders`` with ``minutes``, ``cost`` (cents: work and freight), ``deviations`` (0 without an agreement) and a
        mark ``term: <name>`` (1 or 0) for each in which its agreement deviates. ``minutes`` and ``cost`` are missing
        where no work at all is on record. Orders of an agreement that is not in force at the end are left out.

    Notes
    -----
    docs/METHODS.md section 4.2.

    Examples
    --------
    >>> terms = pd.DataFrame({"agreement_id": ["A", "B", "C"], "term": "days", "value": ["daily", "daily", "monday"]})
    >>> what = held(terms, pd.DataFrame(columns=["what", "name", "key", "value"]))
    >>> orders = pd.DataFrame({"order_id": list("123"), "agreement_id": ["C", None, "ended"], "freight": [500, 0, 0]})
    >>> work = pd.DataFrame({"order_id": ["1", "1"], "pool": ["desk", "van"], "seconds": [60, 300]})
    >>> found = costed(orders, work, what, rates=pd.Series({"desk": 2.0, "van": 1.0}))
    >>> found.drop(columns="agreement_id")  # 60 x 2 + 300 x 1 + 500 cents; the third is left out
      order_id  freight  minutes   cost  deviations  term: days
    0        1      500      6.0  920.0         1.0         1.0
    1        2        0      0.0    0.0         0.0         0.0
    """
    kept = orders[orders["agreement_id"].isna() | orders["agreement_id"].isin(what.of.index)].copy()
    seconds = work.groupby("order_id")["seconds"].sum()
    cents = (work["seconds"].astype("float64") * work["pool"].map(rates).astype("float64").fillna(0)).groupby(
        work["order_id"]
    )
    told = 0.0 if len(work) else np.nan  # where nothing was recorded, nothing is known
    kept["minutes"] = kept["order_id"].map(seconds).fillna(told).to_numpy("float64") / 60
    kept["cost"] = kept["order_id"].map(cents.sum()).fillna(told).to_numpy("float64") + kept["freight"].to_numpy(
        "float64"
    )
    at = kept["agreement_id"].map(what.of)
    under = at.notna().to_numpy()
    differs = what.vectors != np.array([what.standard], dtype=object)
    marks = np.zeros((len(kept), len(what.terms)))
    marks[under] = differs[at[under].to_numpy("int64")]
    kept["deviations"] = marks @ what.weights
    return pd.concat(
        [kept, pd.DataFrame(marks, index=kept.index, columns=[f"term: {name}" for name in what.terms])], axis=1
    )


def _band(values: pd.Series, *, per_doubling: int) -> pd.Series:
    """Number of the band that a size lies in: so many to each doubling; -1 where it is not known."""
    size = np.log2(1 + values.astype("float64").clip(lower=0))
    return np.floor(per_doubling * size).fillna(-1).astype("int64")


def _controls(orders: pd.DataFrame) -> pd.DataFrame:
    numbers = {"n_lines": orders["n_lines"].astype("float64"), "rush": orders["rush"].astype("float64")}
    kinds = {name: orders[name].astype("str") for name in _PLACES}
    kinds |= {"pieces": _band(orders["quantity"], per_doubling=2), "kg": _band(_kg(orders), per_doubling=2)}
    marks = [pd.get_dummies(values.astype("str"), prefix=name, dtype="float64") for name, values in kinds.items()]
    return pd.concat([pd.DataFrame(numbers, index=orders.index), *marks], axis=1)


def _kg(orders: pd.DataFrame) -> pd.Series:
    return orders["weight_g"].astype("float64") / 1000


def cost_of_variety(orders: pd.DataFrame, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """What one more deviation goes with, by two ways of comparing.

    Parameters
    ----------
    orders
        The result of ``costed``.
    min_n
        Customers that must deviate more, and others that must deviate less, for a way to tell anything.
    confidence
        That the intervals of the outcomes hold together with, of each way (Bonferroni).

    Returns
    -------
    DataFrame
        One row an outcome (minutes, late, complaint, cost) that is known, and not 0 throughout: ``outcome``, ``n``
        (orders), ``n_customers``, ``regression`` and ``alike`` (per deviation: minutes, shares, cents) with ends
        (``_low``, ``_high``), ``alike_share`` (orders that have one alike to be compared with, 0-1), ``settled`` (both
        intervals on one side of 0).

    Notes
    -----
    docs/METHODS.md section 4.2. No experiment: who was given more may cost more anyway.

    Examples
    --------
    Sixty customers with 0, 1 or 2 deviations: an order takes 10 minutes, 3 more a deviation; of some customers one
    more, of others one less.

    >>> at = np.arange(240)
    >>> minutes = 10 + 3 * (at % 3) + np.where(at // 3 % 2, 1, -1)
    >>> orders = pd.DataFrame({"customer_id": at % 60, "deviations": at % 3, "minutes": minutes, "cost": 50 * minutes})
    >>> orders = orders.assign(late=None, complaint=False, order_class="one line", n_lines=1, quantity=1, weight_g=1000)
    >>> orders = orders.assign(segment="s", channel="web", region="r", fulfilment="home", rush=False)
    >>> columns = ["outcome", "n_customers", "regression", "alike", "alike_low", "alike_high", "settled"]
    >>> cost_of_variety(orders, min_n=10)[columns].round(2)
       outcome  n_customers  regression  alike  alike_low  alike_high  settled
    0  minutes           60         3.0    3.0       2.56        3.44     True
    1     cost           60       150.0  150.0     127.96      172.04     True
    """
    found = []
    for outcome in _OUTCOMES:
        rows = orders[orders[outcome].notna()]
        people = _apart(rows)
        if people < min_n or not rows[outcome].astype("float64").any():
            continue
        y, who = rows[outcome].astype("float64"), rows["customer_id"]
        slope = _slope(y, rows[["deviations"]], _controls(rows), who)
        told = {"outcome": outcome, "n": len(rows), "n_customers": who.nunique()}
        far = _far(confidence, people)
        ends = [] if slope.empty else slope.iloc[0][["coefficient", "se"]].tolist()
        told |= _with_ends("regression", *(ends or (np.nan, np.nan)), far)
        one, error, groups, share = _alike(y, rows)
        if groups < min_n:
            one = error = np.nan
        told |= _with_ends("alike", one, error, _far(confidence, groups))
        told["alike_share"] = share
        lows = [told["regression_low"], told["alike_low"]], [told["regression_high"], told["alike_high"]]
        known = bool(np.isfinite(lows).all())
        told["settled"] = known and bool(min(lows[0]) > 0 or max(lows[1]) < 0)
        found.append(told)
    columns = ["outcome", "n", "n_customers", *_trio("regression"), *_trio("alike"), "alike_share", "settled"]
    return pd.DataFrame(found, columns=columns)


def _apart(orders: pd.DataFrame) -> int:
    """Customers that deviate more than the least, or those that do not, whichever are fewer."""
    more = orders["deviations"] > orders["deviations"].min()
    return min(orders["customer_id"][side].nunique() for side in (more, ~more))


def _far(confidence: float, people: int, family: int = len(_OUTCOMES)) -> float:
    """Errors that an interval of a family reaches to each side."""
    return float(student.ppf(1 - (1 - confidence) / 2 / max(family, 1), max(people - 1, 1)))


def _trio(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"]


def _with_ends(name: str, value: float, error: float, far: float) -> dict[str, float]:
    return dict(zip(_trio(name), (value, value - far * error, value + far * error), strict=True))


def _slope(y: pd.Series, x: pd.DataFrame, controls: pd.DataFrame, who: pd.Series) -> pd.DataFrame:
    """Coefficients of the columns of x beside controls; none of a column that follows from the others."""
    every = pd.concat([controls, x], axis=1)
    kept = drivers.independent(every)
    found = drivers.least_squares(y, every[kept], clusters=who)
    return found[found["driver"].isin(x.columns)]


def _alike(y: pd.Series, orders: pd.DataFrame) -> tuple[float, float, int, float]:
    """Slope on deviations within cells of alike orders, its error, customers on the smaller side, share of orders."""
    bands = {"pieces": _band(orders["quantity"], per_doubling=1), "kg": _band(_kg(orders), per_doubling=1)}
    cell = orders.assign(**bands).groupby([*_PLACES, "order_class", *bands], sort=False, dropna=False).ngroup()
    deviations = orders["deviations"].astype("float64")
    rest = {"n_lines": orders["n_lines"], "pieces": np.log1p(orders["quantity"].astype("float64"))}
    rest |= {"kg": np.log1p(_kg(orders).fillna(0)), "deviations": deviations}  # what a band leaves, and the question
    x = pd.DataFrame(rest, index=orders.index).astype("float64")
    tell = (deviations.groupby(cell).transform("nunique") > 1).to_numpy()
    share = float(tell.mean())
    if not tell.any():
        return np.nan, np.nan, 0, share
    within = x[tell] - x[tell].groupby(cell[tell]).transform("mean")
    kept = drivers.independent(within)
    if "deviations" not in kept:
        return np.nan, np.nan, 0, share
    dy = (y[tell] - y[tell].groupby(cell[tell]).transform("mean")).to_numpy()
    who = orders["customer_id"][tell]
    found = drivers.least_squares(dy, within[kept], clusters=who).set_index("driver").loc["deviations"]
    return float(found["coefficient"]), float(found["se"]), _apart(orders[tell]), share


def cost_of_terms(orders: pd.DataFrame, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """What each term goes with in cost to serve, all terms together in one regression.

    Parameters
    ----------
    orders
        The result of ``costed``.
    min_n
        Terms in which fewer customers deviate, or fewer do not, are left out.
    confidence
        That the intervals hold together with (Bonferroni).

    Returns
    -------
    DataFrame
        One row a term: ``term``, ``n`` (orders), ``n_customers`` (that deviate in it), ``cost`` (cents an order) with
        ends (``_low``, ``_high``). No row of a term that cannot be told from the others; none at all if the cost of any
        order is missing.

    Notes
    -----
    docs/METHODS.md section 4.2. No experiment: see ``cost_of_variety``.

    Examples
    --------
    An order costs 500 cents, 30 more with a window of its own, 5 more with days of its own; of some customers 10 more,
    of others 10 less.

    >>> at = np.arange(240)
    >>> marks = pd.DataFrame({"term: days": at % 2, "term: window": at // 2 % 2})
    >>> cost = 500 + 30 * marks["term: window"] + 5 * marks["term: days"] + np.where(at % 60 // 4 % 2, 10, -10)
    >>> orders = marks.assign(customer_id=at % 60, cost=cost, n_lines=1, quantity=1, weight_g=1000, rush=False)
    >>> orders = orders.assign(segment="s", channel="web", region="r", fulfilment="home")
    >>> cost_of_terms(orders, min_n=10).round(1)
         term    n  n_customers  cost  cost_low  cost_high
    0    days  120           30   5.0      -1.2       11.2
    1  window  120           30  30.0      23.8       36.2
    """
    marks = [name for name in orders if name.startswith("term: ")]
    people = {name: orders["customer_id"][orders[name] > 0].nunique() for name in marks}
    others = {name: orders["customer_id"][orders[name] == 0].nunique() for name in marks}
    marks = [name for name in marks if min(people[name], others[name]) >= min_n]
    columns = ["term", "n", "n_customers", *_trio("cost")]
    if not marks or orders["cost"].isna().any():
        return pd.DataFrame(columns=columns)
    slopes = _slope(orders["cost"], orders[marks], _controls(orders), orders["customer_id"])
    found = [
        {"term": row.driver.removeprefix("term: "), "n": int((orders[row.driver] > 0).sum())}
        | {"n_customers": people[row.driver]}
        | _with_ends(
            "cost",
            row.coefficient,
            row.se,
            _far(confidence, min(people[row.driver], others[row.driver]), len(slopes)),
        )
        for row in slopes.itertuples()
    ]
    return pd.DataFrame(found, columns=columns)


# -- needs ---------------------------------------------------------------------------------------


def settle(
    requests: pd.DataFrame, counts: pd.DataFrame, needs: pd.DataFrame, *, confidence: float = 0.95
) -> pd.DataFrame:
    """The need behind each request, if its customer's own orders support one.

    Parameters
    ----------
    requests
        The frame ``requests``.
    counts
        The frame ``request_evidence``.
    needs
        The frame ``needs``: which needs may stand behind a type of request, and the evidence of each.
    confidence
        One-sided, divided among the candidates.

    Returns
    -------
    DataFrame
        ``requests`` with ``need`` ("" if not settled), ``how``: "settled", "declared" (one candidate), "too little
        evidence", "both ways" (two are supported), "not on record" (evidence of a candidate is not, or it is of fewer
        than 5 orders or 10 peers), "unknown request type", "not profiled".

    Notes
    -----
    docs/METHODS.md section 4.3. A need is what a customer's orders look like, not a proof.

    Examples
    --------
    Twelve customers found 4 of 20 arrivals outside their window, x 16; order sizes, the evidence of the other need, are
    alike. x and one of the twelve ask for a fixed hour.

    >>> missed = {f"p{at:02}": 4 for at in range(12)} | {"x": 16}
    >>> rows = [(who, "window_missed", 1, n) for who, n in missed.items()]
    >>> rows += [(who, "window_missed", 0, 20 - n) for who, n in missed.items()]
    >>> rows += [(who, "order_size", 10, 20) for who in missed]
    >>> counts = pd.DataFrame(rows, columns=["customer_id", "measure", "value", "n"]).assign(segment="s")
    >>> rows = [("request", "fixed hour", "", "arrival"), ("request", "fixed hour", "", "stock"),
    ...         ("evidence", "arrival", "window_missed", "more"), ("evidence", "stock", "order_size", "less")]
    >>> needs = pd.DataFrame(rows, columns=["what", "name", "key", "value"])
    >>> asked = pd.DataFrame({"customer_id": ["x", "p00"], "segment": "s", "request_type": "fixed hour"})
    >>> settle(asked, counts, needs)[["customer_id", "need", "how"]].values.tolist()
    [['x', 'arrival', 'settled'], ['p00', '', 'too little evidence']]
    """
    asked = needs[needs["what"] == "request"].groupby("name", sort=False)["value"].agg(tuple).to_dict()
    evidence = {
        need: dict(zip(rows["key"], rows["value"], strict=True))
        for need, rows in needs[needs["what"] == "evidence"].groupby("name")
    }
    support = {
        several: _support(counts, {need: evidence[need] for need in several})
        for several in set(asked.values())
        if len(several) > 1
    }
    found = []
    for row in requests.itertuples():
        several = asked.get(row.request_type, ())
        if not several:
            found.append(("", "unknown request type"))
        elif row.segment == stats.OTHER:
            found.append(("", "not profiled"))
        elif len(several) == 1:
            found.append((several[0], "declared"))
        elif row.customer_id not in support[several].index:
            found.append(("", "not on record"))
        else:
            found.append(_settled(support[several].loc[row.customer_id], confidence))
    told = pd.DataFrame(found, columns=["need", "how"], index=requests.index)
    return pd.concat([requests, told], axis=1)


def _settled(z: pd.Series, confidence: float) -> tuple[str, str]:
    """The need, if one is supported and ahead of the next; and how that is."""
    least = float(norm.ppf(1 - (1 - confidence) / len(z)))
    ordered = z.sort_values(ascending=False, kind="stable")
    first, second = float(ordered.iloc[0]), max(float(ordered.iloc[1]), 0.0)
    if first < least:
        return "", "too little evidence"
    return (str(ordered.index[0]), "settled") if first - second >= least else ("", "both ways")


def _support(counts: pd.DataFrame, candidates: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """z of each candidate (columns), by customer of whom the evidence of all candidates is known."""
    measures = sorted({measure for evidence in candidates.values() for measure in evidence})
    values = {measure: _values(counts, measure) for measure in measures}
    sizes = [rows.groupby("customer_id")["n"].sum() for rows in values.values()]
    known = pd.concat([size[size >= _ENOUGH] for size in sizes], axis=1, join="inner").index
    z = {}
    for measure, rows in values.items():
        rows = rows[rows["customer_id"].isin(known)]
        of = [_against_peers(own, measure) for _, own in rows.groupby("segment")]
        z[measure] = pd.concat(of) if of else pd.Series(dtype="float64")
    z = pd.DataFrame(z, index=pd.Index(known))
    sign = {"more": 1, "less": -1}
    found = {
        need: sum(sign[way] * z[measure] for measure, way in evidence.items()) / len(evidence) ** 0.5
        for need, evidence in candidates.items()
    }
    return pd.DataFrame(found, index=z.index).dropna()


def _values(counts: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Values of a measure by customer, each ``n`` times: x."""
    source = {"uneven_size": "order_size"}.get(measure, measure)
    rows = counts[counts["measure"] == source][["customer_id", "segment", "value", "n"]]
    x = rows["value"].to_numpy("float64")
    if measure not in _ONE_OR_NONE:
        x = np.log(np.maximum(x, 1))
    rows = rows.assign(x=x, n=rows["n"].to_numpy("float64"))
    if measure == "uneven_size":
        rows = rows.sort_values(["customer_id", "x"], ignore_index=True)
        upto = rows.groupby("customer_id")["n"].cumsum()
        half = rows.groupby("customer_id")["n"].transform("sum") / 2
        middle = rows["x"].where(upto >= half).groupby(rows["customer_id"]).transform("min")
        rows = rows.assign(x=(rows["x"] - middle).abs())
    return rows


def _against_peers(rows: pd.DataFrame, measure: str) -> pd.Series:
    """z of each customer's mean against those of the others of one segment."""
    rows = rows.assign(sum=rows["n"] * rows["x"], square=rows["n"] * rows["x"] ** 2)
    of = rows.groupby("customer_id")[["n", "sum", "square"]].sum()
    n, mean = of["n"].to_numpy(), (of["sum"] / of["n"]).to_numpy()
    people = len(of)
    if people < _PEERS:
        return pd.Series(np.nan, index=of.index)
    others = (mean.sum() - mean) / (people - 1)
    unsure = mean.var(ddof=1) / (people - 1)
    if measure in _ONE_OR_NONE:
        k, rest = np.rint(of["sum"].to_numpy()), n.sum() - n
        others = np.clip(others, 0.5 / (rest + 1), 1 - 0.5 / (rest + 1))
        own = others * (1 - others) / n
        upper = binom.sf(k, n, others) + binom.pmf(k, n, others) / 2  # mid-p
        upper = np.clip(upper, norm.sf(_FARTHEST), norm.cdf(_FARTHEST))
        return pd.Series(norm.isf(upper) * np.sqrt(own / (own + unsure)), index=of.index)
    within = float((of["square"] - of["sum"] ** 2 / of["n"]).sum()) / max(float(n.sum()) - people, 1)
    error = np.sqrt(within / n + unsure)
    z = (mean - others) / np.where(error > 0, error, np.inf)
    return pd.Series(np.clip(z, -_FARTHEST, _FARTHEST), index=of.index)


def needs_behind(settled: pd.DataFrame, *, min_n: int) -> pd.DataFrame:
    """Requests by type and need behind them.

    Parameters
    ----------
    settled
        The result of ``settle``.
    min_n
        Types that fewer customers asked for stand together as "(other)"; a need that fewer who asked for a type have
        counts as not settled.

    Returns
    -------
    DataFrame
        One row a type and need ("(not settled)": none): ``request_type``, ``need``, ``n`` (requests),
        ``n_customers``, ``share`` (of the type's requests, 0-1).

    Notes
    -----
    docs/METHODS.md sections 4.3 and 0.10.

    Examples
    --------
    >>> need = ["arrival"] * 12 + ["stock"] * 3 + [""] * 15  # three are too few to be told
    >>> settled = pd.DataFrame({"request_id": range(30), "customer_id": range(30), "need": need})
    >>> settled = settled.assign(request_type="fixed hour")
    >>> needs_behind(settled, min_n=10)
      request_type           need   n  n_customers  share
    0   fixed hour  (not settled)  18           18    0.6
    1   fixed hour        arrival  12           12    0.4
    """
    rows = stats.publishable(settled, by=["request_type"], person="customer_id", min_n=min_n)
    people = rows.groupby(["request_type", "need"])["customer_id"].transform("nunique")
    rows = rows.assign(need=rows["need"].where((rows["need"] != "") & (people >= min_n), _NOT_SETTLED))
    rows = stats.publishable(rows, by=["request_type", "need"], person="customer_id", min_n=min_n)
    found = rows.groupby(["request_type", "need"], as_index=False).agg(
        n=("request_id", "size"), n_customers=("customer_id", "nunique")
    )
    return found.assign(share=found["n"] / found.groupby("request_type")["n"].transform("sum"))


def evidence_for(settled: pd.DataFrame, counts: pd.DataFrame, needs: pd.DataFrame, *, min_n: int) -> pd.DataFrame:
    """What the customers of each need show, beside the others of their segments of whom as much is known.

    Parameters
    ----------
    settled, counts, needs
        The result of ``settle``; the frames ``request_evidence`` and ``needs``.
    min_n
        Customers that both sides need.

    Returns
    -------
    DataFrame
        One row a need and measure of any need: ``need``, ``measure``, ``asked`` ("more" or "less", "" where it is
        evidence of another need), ``n_customers``, ``theirs`` and ``others``: mean of customers' means (share, 0-1; of
        sizes and gaps the geometric one: pieces, days; of uneven sizes the mean factor off the own median).

    Notes
    -----
    docs/METHODS.md section 4.3. Customers of whom 5 orders are known of every measure.

    Examples
    --------
    >>> rows = [("a", 1, 8), ("a", 0, 2), ("b", 1, 2), ("b", 0, 8), ("c", 1, 4), ("c", 0, 6)]  # late: 8, 2 and 4 of 10
    >>> counts = pd.DataFrame(rows, columns=["customer_id", "value", "n"]).assign(measure="late", segment="s")
    >>> needs = pd.DataFrame([("evidence", "arrival", "late", "more")], columns=["what", "name", "key", "value"])
    >>> settled = pd.DataFrame({"customer_id": ["a"], "need": ["arrival"]})
    >>> evidence_for(settled, counts, needs, min_n=1).round(2)
          need measure asked  n_customers  theirs  others
    0  arrival    late  more            1     0.8     0.3
    """
    asked = needs[needs["what"] == "evidence"]
    wanted = asked.set_index(["name", "key"])["value"].to_dict()
    known = settled[settled["need"] != ""].drop_duplicates(["customer_id", "need"])
    told, found = {}, []
    for measure in sorted(set(asked["key"])):
        rows = _values(counts, measure)
        sums = rows.assign(x=rows["n"] * rows["x"]).groupby(["segment", "customer_id"])[["x", "n"]].sum().reset_index()
        told[measure] = sums.assign(mean=sums["x"] / sums["n"])[sums["n"] >= _ENOUGH]
    everywhere = [set(sums["customer_id"]) for sums in told.values()]
    for measure, sums in told.items():
        sums = sums[sums["customer_id"].isin(set.intersection(*everywhere))]
        for need, own in known.groupby("need"):
            mine = sums["customer_id"].isin(set(own["customer_id"]))
            beside = ~mine & sums["segment"].isin(set(sums["segment"][mine]))
            if min(mine.sum(), beside.sum()) < min_n:
                continue
            means = [float(sums["mean"][side].mean()) for side in (mine, beside)]
            means = means if measure in _ONE_OR_NONE else [float(np.exp(each)) for each in means]
            found.append((need, measure, wanted.get((need, measure), ""), int(mine.sum()), *means))
    return pd.DataFrame(found, columns=["need", "measure", "asked", "n_customers", "theirs", "others"])


def needs_found(settled: pd.DataFrame, *, min_n: int) -> list[str]:
    """Needs that at least ``min_n`` customers are settled to have, most customers first.

    Parameters
    ----------
    settled
        The result of ``settle``.
    min_n
        Needs of fewer customers are left out.

    Returns
    -------
    list
        Names of the needs; those declared by their request alone count too. Of equally many, by name.

    Notes
    -----
    docs/METHODS.md section 4.4.

    Examples
    --------
    >>> needs = ["stock", "stock", "arrival", "arrival", ""]
    >>> settled = pd.DataFrame({"customer_id": ["a", "a", "b", "c", "d"], "need": needs})
    >>> needs_found(settled, min_n=1), needs_found(settled, min_n=2)  # a asked for stock twice, and is one customer
    (['arrival', 'stock'], ['arrival'])
    """
    rows = settled[settled["need"] != ""]
    people = rows.groupby("need")["customer_id"].nunique()
    people = people[people >= min_n]
    return list(people.sort_values(ascending=False, kind="stable").index)


# -- the standard set --------------------------------------------------------------------------------


def solutions(needs: pd.DataFrame, found: Sequence[str]) -> location.Cover:
    """The declared solutions that cover the needs found at least cost (cents a year); see ``location.cover``.

    Parameters
    ----------
    needs
        The frame ``needs``: what each solution covers and costs.
    found
        The result of ``needs_found``.

    Returns
    -------
    Cover
        ``chosen`` (solutions), ``cost`` (cents a year), ``uncovered`` (needs that no solution covers).

    Notes
    -----
    docs/METHODS.md section 4.4.

    Examples
    --------
    A window costs 300 a year, every day 200 and all of it 600: two solutions for two needs cost less than one for both.

    >>> rows = [("covers", "window", "arrival"), ("covers", "every day", "stock"), ("covers", "all of it", "arrival"),
    ...         ("covers", "all of it", "stock"), ("cents_a_year", "window", "30000"),
    ...         ("cents_a_year", "every day", "20000"), ("cents_a_year", "all of it", "60000")]
    >>> solutions(pd.DataFrame(rows, columns=["what", "name", "value"]), ["arrival", "stock", "notice"])
    Cover(chosen=('window', 'every day'), cost=50000.0, uncovered=('notice',))
    """
    covers = needs[needs["what"] == "covers"].groupby("name", sort=False)["value"].agg(list).to_dict()
    rows = needs[needs["what"] == "cents_a_year"]
    return location.cover(covers, dict(zip(rows["name"], rows["value"].astype("float64"), strict=True)), found)


def distances(vectors: np.ndarray, standards: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sum of the weights of terms that differ: one row a vector, one column a standard.

    Parameters
    ----------
    vectors, standards
        Values of the same terms, one row each: ``vectors`` of ``held``, ``places`` of ``standard_set``.
    weights
        What each term weighs.

    Returns
    -------
    array
        Deviations, 0 or more; 0: alike. Another value of a term is as far as none.

    Notes
    -----
    docs/METHODS.md section 4.4.

    Examples
    --------
    >>> vectors = np.array([["daily", "early"], ["daily", ""]], dtype=object)
    >>> standards = np.array([["daily", ""], ["monday", "late"]], dtype=object)
    >>> distances(vectors, standards, np.array([1.0, 2.0])).tolist()
    [[2.0, 3.0], [0.0, 3.0]]
    """
    differs = vectors[:, None, :] != standards[None, :, :]
    return differs.astype("float64") @ weights


@dataclass(frozen=True, eq=False)
class StandardSet:
    """Standards for agreements to move to.

    Attributes
    ----------
    curve
        One row a number of standards p from 1 on: ``standards``, ``left`` (deviations of all agreements from their
        nearest), ``left_each`` (a mean agreement), ``gap`` (proven, 0-1; 0: the optimum).
    places
        What may become a standard: value of each term of ``Held.terms``, one row each.
    chosen
        By p, the places taken.
    recommended
        p; 0 where nobody holds an agreement with a term that weighs something, or nothing may become a standard.

    Notes
    -----
    docs/METHODS.md section 4.4.

    Examples
    --------
    Six agreements on an early window, four on daily delivery.

    >>> rows = [(f"W{at}", "window", "early") for at in range(6)] + [(f"D{at}", "days", "daily") for at in range(4)]
    >>> terms = pd.DataFrame(rows, columns=["agreement_id", "term", "value"])
    >>> needs = pd.DataFrame(columns=["what", "name", "key", "value"])
    >>> found = standard_set(held(terms, needs), needs, wanted=1)
    >>> found.places.tolist(), found.chosen, found.recommended  # days, window
    ([['', 'early'], ['daily', '']], {1: (0,), 2: (0, 1)}, 1)
    """

    curve: pd.DataFrame
    places: np.ndarray
    chosen: dict[int, tuple[int, ...]]
    recommended: int


def standard_set(what: Held, needs: pd.DataFrame, *, wanted: int, most: int = 12, min_n: int = 1) -> StandardSet:
    """The few standards that leave least deviations, for each number of them.

    Parameters
    ----------
    what
        The result of ``held``.
    needs
        The frame ``needs``: its solutions may become standards too.
    wanted
        Number of needs found: as many standards are recommended; 0: the number from which one more takes away less than
        a tenth of what one standard leaves.
    most
        Largest number of standards looked at.
    min_n
        Agreements that must hold a combination for it to become a standard (and so be shown); solutions always may.

    Returns
    -------
    StandardSet
        Up to ``most`` standards, or to the number that leaves no deviation; no more are recommended.

    Notes
    -----
    docs/METHODS.md section 4.4.

    Examples
    --------
    Six agreements on an early window, four on daily delivery, one on both. One standard, the window, leaves 4 x 2 + 1
    deviations; two leave that of the one which is nearest to either.

    >>> rows = [(f"W{at}", "window", "early") for at in range(6)] + [(f"D{at}", "days", "daily") for at in range(4)]
    >>> rows += [("B", "window", "early"), ("B", "days", "daily")]
    >>> terms = pd.DataFrame(rows, columns=["agreement_id", "term", "value"])
    >>> needs = pd.DataFrame([("standard", "", "", "")], columns=["what", "name", "key", "value"])
    >>> standard_set(held(terms, needs), needs, wanted=2).curve.round(2)
       standards  left  left_each  gap
    0          1   9.0       0.82  0.0
    1          2   1.0       0.09  0.0
    2          3   0.0       0.00  0.0
    """
    columns = ["standards", "left", "left_each", "gap"]
    if not len(what.of) or not what.terms:
        return StandardSet(pd.DataFrame(columns=columns), np.empty((0, len(what.terms)), object), {}, 0)
    places = [tuple(row) for row in what.vectors[:CANDIDATES][what.sizes[:CANDIDATES] >= min_n]]
    for _, rows in needs[needs["what"] == "is"].groupby("name", sort=False):
        own = dict(zip(what.terms, what.standard, strict=True)) | dict(zip(rows["key"], rows["value"], strict=True))
        places.append(tuple(own[name] for name in what.terms))
    if not places:
        return StandardSet(pd.DataFrame(columns=columns), np.empty((0, len(what.terms)), object), {}, 0)
    places = np.array(list(dict.fromkeys(places)), dtype=object)
    far = distances(what.vectors, places, what.weights)
    chosen, rows = {}, []
    for p in range(1, min(most, len(places)) + 1):
        found = location.p_median(far, what.sizes, p)
        chosen[p] = found.chosen
        rows.append((p, found.cost, found.cost / what.sizes.sum(), found.gap))
        if not found.cost:
            break
    curve = pd.DataFrame(rows, columns=columns)
    gained = -np.diff(curve["left"], append=curve["left"].iloc[-1])
    enough = int(np.flatnonzero(gained < 0.1 * curve["left"].iloc[0])[0]) + 1 if curve["left"].iloc[0] else 1
    return StandardSet(curve, places, chosen, min(wanted, len(curve)) if wanted else enough)


def moves(terms: pd.DataFrame, what: Held, found: StandardSet) -> pd.DataFrame:
    """What each agreement loses, gains and has otherwise when it moves to its nearest standard.

    Parameters
    ----------
    terms
        The result of ``meant`` at one moment.
    what, found
        The results of ``held`` and ``standard_set``.

    Returns
    -------
    DataFrame
        One row an agreement: ``agreement_id``, ``customer_id``, ``segment``, ``standard`` (1 and on, in the order of
        ``found.chosen``), ``lost``, ``gained``, ``changed`` (terms), ``saved`` (deviations from the company's
        standard that go, less those that come: weights), and a column ``term: <name>``: "lost", "gained", "changed" or
        "same". No row where no standard is recommended.

    Notes
    -----
    docs/METHODS.md section 4.5. Ties: the first standard.

    Examples
    --------
    The only standard to move to is the early window; the company's own is declared to have no terms.

    >>> rows = [(f"W{at}", "window", "early") for at in range(6)] + [(f"D{at}", "days", "daily") for at in range(4)]
    >>> rows += [("B", "window", "early"), ("B", "days", "daily")]
    >>> terms = pd.DataFrame(rows, columns=["agreement_id", "term", "value"])
    >>> needs = pd.DataFrame([("standard", "", "", "")], columns=["what", "name", "key", "value"])
    >>> what = held(terms, needs)
    >>> found = standard_set(what, needs, wanted=1)
    >>> moved = moves(terms.assign(customer_id="x", segment="s"), what, found)
    >>> moved[moved["agreement_id"].isin(["W0", "D0", "B"])].drop(columns=["customer_id", "segment", "standard"])
      agreement_id  lost  gained  changed  saved term: days term: window
    0            B     1       0        0    1.0       lost         same
    1           D0     1       1        0    0.0       lost       gained
    5           W0     0       0        0    0.0       same         same
    """
    people = terms.drop_duplicates("agreement_id").set_index("agreement_id")[["customer_id", "segment"]]
    taken = list(found.chosen.get(found.recommended, ()))
    if not taken:
        return pd.DataFrame(columns=["agreement_id", "customer_id", "segment", "standard", "lost", "gained", "changed",
                                     "saved"])  # fmt: skip
    standards = found.places[taken]
    nearest = distances(what.vectors, standards, what.weights).argmin(axis=1)
    to = standards[nearest]
    same, has, gets = what.vectors == to, what.vectors != _ABSENT, to != _ABSENT
    how = np.select([same, has & ~gets, ~has & gets], ["same", "lost", "gained"], "changed")
    rows = pd.DataFrame(how[what.of.to_numpy()], columns=[f"term: {name}" for name in what.terms])
    counts = {name: (rows == name).sum(axis=1) for name in ("lost", "gained", "changed")}
    saved = ((what.vectors != what.standard).astype(float) - (to != what.standard)) @ what.weights
    own = people.reindex(what.of.index)
    front = {"agreement_id": what.of.index, "customer_id": own["customer_id"].to_numpy()}
    front |= {"segment": own["segment"].to_numpy(), "standard": nearest[what.of.to_numpy()] + 1}
    told = pd.DataFrame(front | counts | {"saved": saved[what.of.to_numpy()]})
    return pd.concat([told, rows], axis=1)


def standards(what: Held, found: StandardSet, moved: pd.DataFrame, needs: pd.DataFrame, *, min_n: int) -> pd.DataFrame:
    """The recommended standards: their terms, who moves there, and the needs that declared solutions say they cover.

    Parameters
    ----------
    what, found, moved
        The results of ``held``, ``standard_set`` and ``moves``.
    needs
        The frame ``needs``.
    min_n
        Agreements that a count needs to be told.

    Returns
    -------
    DataFrame
        One row a standard: ``standard``, ``terms`` (names and values of those it has, or "" for none), ``n``
        (agreements), ``n_as_is`` (that are so already), ``left_each`` (terms that change, a mean agreement), ``covers``
        (needs, ", " between them). Counts of fewer than ``min_n`` are empty.

    Notes
    -----
    docs/METHODS.md sections 4.4 and 4.5.

    Examples
    --------
    Six agreements are the one standard already; four lose their days and gain a window, one loses its days: 9 terms.

    >>> rows = [(f"W{at}", "window", "early") for at in range(6)] + [(f"D{at}", "days", "daily") for at in range(4)]
    >>> rows += [("B", "window", "early"), ("B", "days", "daily")]
    >>> terms = pd.DataFrame(rows, columns=["agreement_id", "term", "value"])
    >>> needs = pd.DataFrame([("standard", "", "", "")], columns=["what", "name", "key", "value"])
    >>> needs.loc[1] = ["is", "a fixed window", "window", "early"]
    >>> needs.loc[2] = ["covers", "a fixed window", "", "arrival"]
    >>> what = held(terms, needs)
    >>> found = standard_set(what, needs, wanted=1)
    >>> moved = moves(terms.assign(customer_id="x", segment="s"), what, found)
    >>> standards(what, found, moved, needs, min_n=1).round(2)
       standard          terms   n  n_as_is  left_each   covers
    0         1  window: early  11        6       0.82  arrival
    """
    rows, covers = [], covered(what, found, needs)
    for number, place in enumerate(found.chosen.get(found.recommended, ()), start=1):
        own = moved[moved["standard"] == number]
        terms = zip(what.terms, found.places[place], strict=True)
        told = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in terms if value != _ABSENT)
        far = (own["lost"] + own["gained"] + own["changed"]).astype("float64")
        mean = float(far.mean()) if len(own) else np.nan
        rows.append((number, told, len(own), int((far == 0).sum()), mean, ", ".join(covers[number])))
    found = pd.DataFrame(rows, columns=["standard", "terms", "n", "n_as_is", "left_each", "covers"])
    few = found["n"] < min_n
    found = found.assign(n_as_is=stats.part_shown(found["n_as_is"], found["n"], min_n=min_n).mask(few))
    return found.assign(n=found["n"].astype("Int64").mask(few), left_each=found["left_each"].mask(few))


def covered(what: Held, found: StandardSet, needs: pd.DataFrame) -> dict[int, list[str]]:
    """By standard, the needs covered by the declared solutions all of whose terms it has.

    Parameters
    ----------
    what, found
        The results of ``held`` and ``standard_set``.
    needs
        The frame ``needs``.

    Returns
    -------
    dict
        Needs, sorted, by number of the standard (1 and on). Terms of a solution that weigh 0 are not asked for.

    Notes
    -----
    docs/METHODS.md section 4.6.

    Examples
    --------
    >>> rows = [("is", "every day", "days", "daily"), ("covers", "every day", "", "smaller stock")]
    >>> needs = pd.DataFrame(rows, columns=["what", "name", "key", "value"])
    >>> rows = [("A", "days", "daily"), ("B", "days", "daily"), ("C", "days", "monday")]
    >>> what = held(pd.DataFrame(rows, columns=["agreement_id", "term", "value"]), needs)
    >>> covered(what, standard_set(what, needs, wanted=2), needs)
    {1: ['smaller stock'], 2: []}
    """
    told = {}
    for number, place in enumerate(found.chosen.get(found.recommended, ()), start=1):
        has, covers = dict(zip(what.terms, found.places[place], strict=True)), []
        for name, rows in needs[needs["what"] == "is"].groupby("name", sort=False):
            if all(has.get(row.key) == row.value for row in rows.itertuples() if row.key in has):
                covers += needs["value"][(needs["what"] == "covers") & (needs["name"] == name)].tolist()
        told[number] = sorted(set(covers))
    return told


def talks(moved: pd.DataFrame, *, min_n: int) -> pd.DataFrame:
    """Who must be spoken to: agreements by segment and standard they move to.

    Parameters
    ----------
    moved
        The result of ``moves``.
    min_n
        Groups of fewer customers stand together as "(other)".

    Returns
    -------
    DataFrame
        One row a segment and standard: ``segment``, ``standard``, ``n`` (agreements), ``n_customers``, ``n_as_is`` (of
        which nothing changes), ``n_losing`` (that lose a term), these two empty where they, or the rest, are fewer than
        ``min_n``; ``lost``, ``gained``, ``changed`` (terms, sums). Who has refused profiling is in none.

    Notes
    -----
    docs/METHODS.md section 4.5.

    Examples
    --------
    >>> moved = pd.DataFrame({"agreement_id": list("ABCD"), "customer_id": list("wxyz"), "segment": "s", "standard": 1})
    >>> moved = moved.assign(lost=[2, 1, 0, 0], gained=[0, 1, 0, 0], changed=0)
    >>> talks(moved, min_n=2)
      segment standard  n  n_customers  n_as_is  n_losing  lost  gained  changed
    0       s        1  4            4        2         2     3       1        0
    """
    rows = moved[moved["segment"] != stats.OTHER]  # who has refused profiling is in no group
    rows = rows.assign(standard=rows["standard"].astype("str"))
    rows = stats.publishable(rows, by=["segment", "standard"], person="customer_id", min_n=min_n)
    far = rows["lost"] + rows["gained"] + rows["changed"]
    rows = rows.assign(as_is=far == 0, losing=rows["lost"] > 0)
    found = rows.groupby(["segment", "standard"], as_index=False).agg(
        n=("agreement_id", "size"), n_customers=("customer_id", "nunique"), n_as_is=("as_is", "sum"),
        n_losing=("losing", "sum"), lost=("lost", "sum"), gained=("gained", "sum"), changed=("changed", "sum"),
    )  # fmt: skip
    return found.assign(
        **{name: stats.part_shown(found[name], found["n"], min_n=min_n) for name in ("n_as_is", "n_losing")}
    )


def topics(terms: pd.DataFrame, moved: pd.DataFrame, *, min_n: int) -> pd.DataFrame:
    """About what must be spoken, and what lies on the table besides.

    Parameters
    ----------
    terms
        The result of ``meant`` at one moment.
    moved
        The result of ``moves``.
    min_n
        Terms that fewer customers lose, gain or hold are left out.

    Returns
    -------
    DataFrame
        One row a term: ``term``, ``department`` (most often agreed by), ``n_lost``, ``n_gained``, ``n_changed``
        (agreements; empty where they, or the rest, are fewer than ``min_n``); of terms that weigh nothing
        ``on_the_table``: agreements that lose something and hold it.

    Notes
    -----
    docs/METHODS.md section 4.5.

    Examples
    --------
    Both customers have a term of payment, which weighs nothing; only one of them loses something.

    >>> terms = pd.DataFrame({"agreement_id": ["A", "A", "B"], "term": ["window", "pay", "pay"], "weight": [1, 0, 0]})
    >>> terms = terms.assign(customer_id=["x", "x", "y"], department=["logistics", "finance", "finance"])
    >>> moved = pd.DataFrame({"agreement_id": ["A", "B"], "customer_id": ["x", "y"], "lost": [1, 0]})
    >>> topics(terms, moved.assign(**{"term: window": ["lost", "same"]}), min_n=1)
         term department n_lost n_gained n_changed on_the_table
    0  window  logistics      1        0         0         <NA>
    1     pay    finance   <NA>     <NA>      <NA>            1
    """
    agreed = terms.groupby("term")["department"].agg(lambda some: some.fillna(stats.UNKNOWN).mode().iloc[0])
    rows, every, losing = [], len(moved), set(moved["agreement_id"][moved["lost"] > 0])
    for column in [name for name in moved if name.startswith("term: ")]:
        name = column.removeprefix("term: ")
        changed = moved[moved[column] != "same"]
        if changed["customer_id"].nunique() >= min_n:
            counts = pd.Series([int((changed[column] == how).sum()) for how in ("lost", "gained", "changed")])
            counts = stats.part_shown(counts, every, min_n=min_n).tolist()
            rows.append((name, agreed.get(name, stats.UNKNOWN), *counts, pd.NA))
    light = terms[(terms["weight"] == 0) & terms["agreement_id"].isin(losing)]
    for name, own in light.groupby("term"):
        if own["customer_id"].nunique() >= min_n:
            rows.append((name, agreed[name], pd.NA, pd.NA, pd.NA, own["agreement_id"].nunique()))
    return pd.DataFrame(rows, columns=["term", "department", "n_lost", "n_gained", "n_changed", "on_the_table"])


@dataclass(frozen=True)
class Saving:
    """What moving to the standards saves and risks; docs/METHODS.md section 4.6.

    Attributes
    ----------
    deviations
        That go, less those that come: over orders of the period.
    value, low, high
        Saved a year, cents; missing where nothing is known of the cost of a deviation.
    settled
        Is the cost of a deviation?
    at_risk
        Net revenue of the period of customers who lose a term, cents; missing where one has more than half of it.
    uncovered
        Of it, those with a settled need that their new standard does not cover; missing likewise.
    n_losing, n_uncovered
        Customers who lose a term; of them, those with such a need.
    n_changed
        Agreements of which anything changes.

    Examples
    --------
    Ten customers lose a term, with revenue of 50.00 each; what is saved a year may be nothing: -0.50 to 12.50.

    >>> told = Saving(30.0, 600.0, -50.0, 1250.0, False, 50_000.0, 0.0, n_losing=10, n_uncovered=0, n_changed=12)
    >>> told.settled, told.at_risk / told.n_losing / 100
    (False, 50.0)
    """

    deviations: float
    value: float
    low: float
    high: float
    settled: bool
    at_risk: float
    uncovered: float
    n_losing: int
    n_uncovered: int
    n_changed: int


def saving(
    orders: pd.DataFrame,
    moved: pd.DataFrame,
    costs: pd.DataFrame,
    settled: pd.DataFrame,
    covers: Mapping[int, Sequence[str]],
    *,
    days: int,
) -> Saving:
    """What it saves and what it risks if agreements move to their standards.

    Parameters
    ----------
    orders
        The result of ``costed``.
    moved, costs, settled
        The results of ``moves``, ``cost_of_variety`` and ``settle``.
    covers
        By standard, the needs it covers: the result of ``covered``.
    days
        Of the period.

    Returns
    -------
    Saving
        ``value`` (cents a year): deviations that go x cost of one by alike orders x 365.25 / ``days``, though that cost
        be not ``settled``. Who has refused profiling is not among those at risk.

    Notes
    -----
    docs/METHODS.md section 4.6.

    Examples
    --------
    Three orders were under A, of which two deviations go, one under B, of which none: six, at 10 cents, in a fifth of a
    year. Both lose a term; a needs a fixed hour, and the new standard covers that.

    >>> orders = pd.DataFrame({"agreement_id": list("AAAB"), "customer_id": list("aaab")})
    >>> orders = orders.assign(net_revenue=[100, 100, 100, 300])
    >>> moved = pd.DataFrame({"agreement_id": ["A", "B"], "customer_id": ["a", "b"], "segment": "s", "standard": 1,
    ...                       "lost": [2, 1], "gained": [0, 1], "changed": 0, "saved": [2.0, 0.0]})
    >>> costs = pd.DataFrame({"outcome": ["cost"], "alike": 10.0, "alike_low": 5.0, "alike_high": 15.0})
    >>> settled = pd.DataFrame({"customer_id": ["a"], "need": ["arrival"]})
    >>> told = saving(orders, moved, costs.assign(settled=True), settled, {1: ["arrival"]}, days=73)
    >>> told.deviations, round(told.value), round(told.low), round(told.high)
    (6.0, 300, 150, 450)
    >>> told.at_risk, told.n_losing, told.n_uncovered
    (600.0, 2, 0)
    """
    by = moved.set_index("agreement_id")
    mine = orders[orders["agreement_id"].isin(by.index)]
    gone = float(by["saved"].reindex(mine["agreement_id"]).sum()) if len(mine) else 0.0
    year = 365.25 / days
    row = costs[costs["outcome"] == "cost"]
    ends = row.iloc[0][_trio("alike")].to_numpy("float64") if len(row) else np.full(3, np.nan)
    value, low, high = (float(end) * gone * year for end in ends)
    losing = moved[(moved["lost"] > 0) & (moved["segment"] != stats.OTHER)]
    revenue = orders.groupby("customer_id")["net_revenue"].sum().astype("float64")
    needed = settled[settled["need"] != ""].groupby("customer_id")["need"].agg(set)
    stands = [
        bool(needed.get(row.customer_id, set()) - set(covers.get(row.standard, ()))) for row in losing.itertuples()
    ]
    risk = [_held_by_many(revenue.reindex(losing["customer_id"][keep].unique())) for keep in (slice(None), stands)]
    return Saving(
        gone, value, min(low, high), max(low, high), bool(len(row) and row["settled"].iloc[0]), *risk,
        *(losing["customer_id"][keep].nunique() for keep in (slice(None), stands)),
        int((moved[["lost", "gained", "changed"]].sum(axis=1) > 0).sum()),
    )  # fmt: skip


def _held_by_many(amounts: pd.Series) -> float:
    """Their sum; missing where one person holds more than half of it."""
    total = float(amounts.sum())
    return np.nan if len(amounts) and amounts.max() > total / 2 else total


def key_figures(
    grown: pd.DataFrame, costs: pd.DataFrame, settled: pd.DataFrame, found: StandardSet, saved: Saving
) -> pd.DataFrame:
    """Key figures of the report, in the columns of ``figures.parquet``.

    Agreements, combinations and their effective number, deviations an agreement now and with the standards, cost of a
    deviation, requests settled (share of all), number of standards, what they save a year.

    Parameters
    ----------
    grown, costs, settled, found, saved
        The results of ``growth``, ``cost_of_variety``, ``settle``, ``standard_set`` and ``saving``.

    Returns
    -------
    DataFrame
        One row a figure that is known: ``figure_id``, ``definition_id`` (section of docs/METHODS.md), ``cohort``,
        ``segment``, ``channel`` (both ""), ``value``, ``low``, ``high`` (missing where no interval is given), ``n``,
        ``unit``.

    Notes
    -----
    docs/METHODS.md sections 4.1 to 4.6.

    Examples
    --------
    >>> grown = pd.DataFrame({"ago": [1, 0], "n": [100, 120], "effective": [7.5, 9.0], "deviations": [1.5, 2.0]})
    >>> costs = pd.DataFrame(columns=["outcome", "alike", "alike_low", "alike_high", "n"])  # nothing was on record
    >>> settled = pd.DataFrame({"how": ["settled", "both ways", "not on record", "settled"]})
    >>> none = StandardSet(pd.DataFrame(), np.empty((0, 0)), {}, recommended=0)
    >>> saved = Saving(0.0, np.nan, np.nan, np.nan, False, 0.0, 0.0, 0, 0, 0)
    >>> key_figures(grown, costs, settled, none, saved)[["figure_id", "definition_id", "value", "n", "unit"]]
              figure_id definition_id  value    n        unit
    0        agreements           4.1  120.0  120  agreements
    1      combinations           4.1    9.0  120       kinds
    2        deviations           4.1    2.0  120  deviations
    3  requests_settled           4.3    0.5    4       share
    """
    rows = []
    for now in grown[grown["ago"] == 0].to_dict("records"):
        rows.append(("agreements", "4.1", now["n"], np.nan, np.nan, now["n"], "agreements"))
        rows.append(("combinations", "4.1", now["effective"], np.nan, np.nan, now["n"], "kinds"))
        rows.append(("deviations", "4.1", now["deviations"], np.nan, np.nan, now["n"], "deviations"))
    for row in costs[(costs["outcome"] == "cost") & costs["alike"].notna()].to_dict("records"):
        rows.append(("cost_of_deviation", "4.2", *(row[name] for name in _trio("alike")), row["n"], "cents"))
    if len(settled):
        share = float((settled["how"] == "settled").mean())
        rows.append(("requests_settled", "4.3", share, np.nan, np.nan, len(settled), "share"))
    if found.recommended:
        left = found.curve.set_index("standards").loc[found.recommended, "left_each"]
        rows.append(("standards", "4.4", found.recommended, np.nan, np.nan, pd.NA, "standards"))
        rows.append(("deviations_left", "4.4", left, np.nan, np.nan, pd.NA, "deviations"))
        rows.append(("saved_a_year", "4.6", saved.value, saved.low, saved.high, pd.NA, "cents"))
    columns = ["figure_id", "definition_id", "value", "low", "high", "n", "unit"]
    told = pd.DataFrame(rows, columns=columns).assign(cohort="orders", segment="", channel="")
    return told[["figure_id", "definition_id", "cohort", "segment", "channel", "value", "low", "high", "n", "unit"]]
