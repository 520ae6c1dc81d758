"""What makes serving dear, against which standard, and how sure are the declared times? Levers and uncertainty."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from toolkit import cost, stats

LINES = "lines"  # the driver that counts an order's lines
SMALL, REST, ORDER, LINE = "small orders", "tariff and rest", "assumed handling", "assumed handling of lines"
FEES = "assumed payment fees"
_FREIGHT = {"shipments": "n_shipments", "weight (kg)": "kg", "distance (km)": "km"}
_USUAL = 0.25  # share of orders from which an activity is part of an ordinary one
_KNOWN = 0.9  # share of orders of which a driver of freight must be known; those without it are in the rest
_COLUMNS = ["segment", "lever", "n_orders", "units", "standard", "cost", "at_standard", "beyond"]


def levers(
    units: pd.DataFrame, orders: pd.DataFrame, costed: pd.DataFrame, freight: pd.DataFrame, handling: pd.DataFrame,
    standards: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """What each segment's cost to serve is made of, and what of it lies beyond the segment's standard order.

    At standard is what a driver would cost if every order had as much of it as ``cost.yaml`` declares, or as is usual
    in the segment: an activity on a quarter of the orders or more as often as it is (else never), lines and weight as
    they are (what is sold must be moved), any other driver as in the median order. Cost is what was charged: the rows
    of a segment add up to its cost to serve, to the cent.

    Parameters
    ----------
    units
        The frame ``work_units``: ``segment``, ``activity``, ``driver`` (empty: the activity itself), ``no_order``,
        ``units`` (an order), ``n`` (orders with so many), ``seconds``, ``n_orders`` (of the segment).
    orders
        Orders of the period, not cancelled, with ``segment``, ``n_lines``, ``n_shipments``, ``weight_g``,
        ``distance_m``, ``freight`` (cents) and, where fees of payments are assumed, ``payment_fee`` (cents).
    costed, freight
        The results of ``cost.charge_work`` (``segment``, ``activity``, ``cost``) and ``cost.charged_freight``
        (``segment``, ``freight``); cents.
    handling
        The frame ``handling``, what is assumed of handling: ``cents_per_order``, ``cents_per_line``.
    standards
        The frame ``standards``: ``segment``, ``driver``, ``units`` an order, where they are declared.

    Returns
    -------
    DataFrame
        One row a segment and lever: ``segment``, ``lever``, ``n_orders``, ``units`` (in all), ``standard`` (units an
        order), ``cost``, ``at_standard``, ``beyond`` (cents; cost = at_standard + beyond), of a segment the most beyond
        first. The lever "small orders" has no cost of its own: it is what orders of fewer lines than usual have too
        much of what every order takes.

    Notes
    -----
    docs/METHODS.md section 3.7. Units of freight are those of ``orders``; what it costs beyond a tariff by shipments,
    weight and distance (least squares over all orders, none below 0) is "tariff and rest".

    Examples
    --------
    At a cent a second: entry takes 60 s of each of 100 orders, and 100 s more of each of 30 in a hurry, which the
    median order is not. A quarter of the orders has half of the usual lines: 25 % x 1/2 of 6,000 is too much.

    >>> units = pd.DataFrame({"driver": ["", "rush", "rush"], "units": [1, 1, 0], "n": [100, 30, 70],
    ...                       "seconds": [6000, 3000, 0], "n_orders": 100, "no_order": False})
    >>> units = units.assign(segment="shop", activity="entry")
    >>> costed = pd.DataFrame({"segment": ["shop"], "activity": ["entry"], "cost": [9000]})
    >>> orders = pd.DataFrame({"segment": "shop", "n_lines": [4] * 75 + [2] * 25, "n_shipments": 0, "freight": 0})
    >>> orders, none = orders.assign(weight_g=None, distance_m=None), costed.head(0).assign(freight=0)
    >>> levers(units, orders, costed, none, none, none)[["lever", "standard", "cost", "at_standard", "beyond"]]
              lever  standard  cost  at_standard  beyond
    0          rush       0.0  3000            0    3000
    1  small orders       4.0     0         -750     750
    2         entry       1.0  6000         6000       0
    """
    told = {(row.segment, row.driver): row.units for row in standards.itertuples()}
    rows = [*_worked(units, costed, told), *_handled(orders, handling, told), *_sent(orders, freight, told)]
    found = pd.DataFrame(rows, columns=[*_COLUMNS[:-1], "_fixed"])
    found["cost"] = found["cost"].astype("int64")
    found["at_standard"] = found["at_standard"].astype("float64").round().astype("int64")
    small = pd.DataFrame(_small(found, orders, told), columns=found.columns)
    found = pd.concat([found, small.astype({"cost": "int64", "at_standard": "int64"})] if len(small) else [found])
    sums = found.groupby(["segment", "lever"], as_index=False).agg(
        n_orders=("n_orders", "first"), units=("units", "max"), standard=("standard", "max"),
        cost=("cost", "sum"), at_standard=("at_standard", "sum"),
    )  # fmt: skip
    sums["beyond"] = sums["cost"] - sums["at_standard"]
    return sums.sort_values(["segment", "beyond", "lever"], ascending=[True, False, True], ignore_index=True)[_COLUMNS]


def top(found: pd.DataFrame, *, most: int = 10) -> pd.DataFrame:
    """The levers with the most money beyond the standard, of segments that have a name, without what is left over.

    Parameters
    ----------
    found
        The result of ``levers``.
    most
        Rows at most.

    Returns
    -------
    DataFrame
        Rows of ``found`` with ``beyond`` (cents) above 0, the largest first; none of the segment "(other)" or the lever
        "tariff and rest".

    Notes
    -----
    docs/METHODS.md section 3.7.

    Examples
    --------
    >>> found = pd.DataFrame({"segment": ["a", "a", "(other)"], "lever": ["rush", REST, "visit"], "beyond": [5, 8, 9]})
    >>> top(found).values.tolist()
    [['a', 'rush', 5]]
    """
    named = found[(found["segment"] != stats.OTHER) & (found["lever"] != REST) & (found["beyond"] > 0)]
    return named.sort_values("beyond", ascending=False, kind="stable").head(most).reset_index(drop=True)


def against_standard(found: pd.DataFrame) -> pd.DataFrame:
    """Cost to serve of each segment against that of its standard orders.

    Parameters
    ----------
    found
        The result of ``levers``.

    Returns
    -------
    DataFrame
        One row a segment: ``segment``, ``n_orders``, ``cost``, ``at_standard``, ``beyond`` (cents), ``each`` and
        ``standard_each`` (cents an order; missing without orders).

    Notes
    -----
    docs/METHODS.md section 3.7.

    Examples
    --------
    >>> found = pd.DataFrame({"segment": "shop", "n_orders": 100, "cost": [3000, 0, 6000]})
    >>> against_standard(found.assign(at_standard=[0, -750, 6000]))
      segment  n_orders  cost  at_standard  beyond  each  standard_each
    0    shop       100  9000         5250    3750  90.0           52.5
    """
    sums = found.groupby("segment").agg(
        n_orders=("n_orders", "max"), cost=("cost", "sum"), at_standard=("at_standard", "sum")
    )
    orders = sums["n_orders"].where(sums["n_orders"] > 0)
    return sums.assign(
        beyond=sums["cost"] - sums["at_standard"],
        each=sums["cost"] / orders,
        standard_each=sums["at_standard"] / orders,
    ).reset_index()


def _median(units: pd.Series, times: pd.Series, n: int) -> float:
    """The lower median of units over n orders, of which those that are not counted in ``times`` have none."""
    counted = times.groupby(units).sum().sort_index()
    counted.loc[0] = counted.get(0, 0) + max(n - int(counted.sum()), 0)
    counted = counted.sort_index().cumsum()
    return float(counted.index[(counted >= counted.iloc[-1] / 2).to_numpy().argmax()]) if len(counted) else 0.0


def _worked(units: pd.DataFrame, costed: pd.DataFrame, told: dict) -> list[tuple]:
    cents = costed.groupby(["segment", "activity"])["cost"].sum()
    rows = []
    for (segment, activity), own in units.groupby(["segment", "activity"]):
        parts = own.assign(all=own["units"] * own["n"]).groupby("driver")[["seconds", "all"]].sum()
        weights = parts["seconds"] if (parts["seconds"] >= 0).all() else (parts.index == "").astype("int64")
        amount, n = int(cents.get((segment, activity), 0)), int(own["n_orders"].iloc[0])
        shares = cost.allocate(amount, list(weights)) if sum(weights) else [0] * len(parts)
        for (driver, part), share in zip(parts.iterrows(), shares, strict=True):
            of = own[(own["driver"] == driver) & ~own["no_order"]]
            if driver and driver != LINES:
                usual = _median(of["units"], of["n"], n)
            else:
                usual = part["all"] / n if driver or of["n"].sum() >= _USUAL * n > 0 else 0.0
            usual, name = told.get((segment, driver or activity), usual), driver or activity
            at = share * usual * n / part["all"] if part["all"] else 0.0
            rows.append((segment, name, n, part["all"], usual, share, at, 0.0 if driver else at))
    left = cents.sum() - sum(row[5] for row in rows)
    return [*rows, (stats.UNKNOWN, REST, 0, 0, 0.0, int(left), 0.0, 0.0)] if left else rows


def _handled(orders: pd.DataFrame, handling: pd.DataFrame, told: dict) -> list[tuple]:
    rows = []
    paid = orders[orders["payment_fee"].fillna(0) > 0] if "payment_fee" in orders else orders.head(0)
    for segment, own in paid.groupby("segment"):
        amount = int(own["payment_fee"].sum())
        rows.append((segment, FEES, len(own), len(own), 1.0, amount, float(amount), 0.0))
    for each in handling.to_dict("records"):
        for segment, own in orders.groupby("segment"):
            n, lines = len(own), int(own["n_lines"].sum())
            usual = told.get((segment, LINES), lines / n)
            fixed, by_line = int(each["cents_per_order"]) * n, int(each["cents_per_line"])
            rows.append((segment, ORDER, n, n, 1.0, fixed, float(fixed), float(fixed)))
            rows.append((segment, LINE, n, lines, usual, by_line * lines, by_line * usual * n, 0.0))
    return rows


def _sent(orders: pd.DataFrame, freight: pd.DataFrame, told: dict) -> list[tuple]:
    """Freight of each segment by shipments, weight and distance at the tariff that fits all orders, and the rest."""
    charged = freight.groupby("segment")["freight"].sum()
    sent = orders[(orders["n_shipments"] > 0) & (orders["freight"].fillna(0) > 0)]  # a van of one's own bills nothing
    sent = sent.assign(kg=sent["weight_g"].astype("float64") / 1000, km=sent["distance_m"].astype("float64") / 1000)
    known = {name: column for name, column in _FREIGHT.items() if sent[column].notna().mean() >= _KNOWN}
    sent = sent.dropna(subset=list(known.values()))
    paid = sent["freight"].astype("float64").to_numpy()
    tariff = nnls(sent[list(known.values())].to_numpy("float64"), paid)[0] if known and paid.any() else []
    rows, fitted = [], dict.fromkeys(charged.index, 0)
    for segment, own in sent.groupby("segment"):
        for (name, column), price in zip(known.items(), tariff, strict=True):
            n, units = len(own), float(own[column].sum())
            usual = units / n if column == "kg" else float(own[column].quantile(0.5, interpolation="lower"))
            usual, share = told.get((segment, name), usual), round(price * units)
            fitted[segment] = fitted.get(segment, 0) + share
            at = price * usual * n
            rows.append((segment, f"freight: {name}", n, units, usual, share, at, at * (column == "n_shipments")))
    for segment, amount in charged.items():
        if rest := int(amount) - fitted.get(segment, 0):
            rows.append((segment, REST, 0, 0, 0.0, rest, 0.0, 0.0))
    rows += [(s, REST, 0, 0, 0.0, -f, 0.0, 0.0) for s, f in fitted.items() if s not in charged.index and f]
    return rows


def _small(found: pd.DataFrame, orders: pd.DataFrame, told: dict) -> list[tuple]:
    """What orders of fewer lines than usual have too much of what every order takes; taken out of the standard."""
    rows, fixed = [], found.groupby("segment")["_fixed"].sum()
    for segment, own in orders[orders["n_lines"] > 0].groupby("segment"):
        lines = own["n_lines"].astype("float64")
        usual = told.get((segment, LINES), float(lines.quantile(0.5, interpolation="lower")))
        missing = float((1 - lines / usual).clip(lower=0).mean()) if usual > 0 else 0.0
        if amount := round(fixed.get(segment, 0.0) * missing):
            rows.append((segment, SMALL, len(own), int((lines < usual).sum()), usual, 0, -amount, 0.0))
    return rows


def uncertain(
    work: pd.DataFrame, pools: pd.DataFrame, margins: pd.DataFrame, unsure: pd.DataFrame, *, rng: np.random.Generator,
    draws: int = 2000, confidence: float = 0.95,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """How far segment margins would move if declared times and capacities were as unsure as they are said to be.

    Parameters
    ----------
    work
        The result of ``cost.charge_work``: ``month``, ``pool``, ``activity``, ``segment``, ``seconds``.
    pools
        The result of ``cost.pool_costs``: ``month``, ``pool``, ``posted`` (cents), ``capacity_s``.
    margins
        ``cost.serve_costs`` by segment: ``segment``, ``margin`` (cents; segments without are left out).
    unsure
        The frame ``give_or_take``: ``kind`` (activity, pool), ``name``, ``share`` (0-1).
    rng
        Of the draws.
    draws
        Number of draws: each time and capacity by a factor from a triangle between 1 - share and 1 + share.
    confidence
        Coverage of the intervals, between 0 and 1; share of draws from which a ranking is settled.

    Returns
    -------
    tuple
        One row a segment with a known margin: ``segment``, ``margin``, ``margin_low``, ``margin_high`` (cents),
        ``below`` (share of draws, 0-1, with a loss), largest margin first. And one row a pair of neighbours in that
        order: ``first``, ``second``, ``kept`` (share of draws in which the first stays above), ``settled``. Both empty
        where nothing is declared to be unsure or no margin is known.

    Notes
    -----
    docs/METHODS.md section 3.8. What a pool cost is known; only how it is shared moves, and what stays unused.

    Examples
    --------
    Work x costs a 300 s at 1,000 cents, give or take 20 %: 60,000. Its margin of 50,000 becomes a loss in
    (10 / 60)^2 / 2 of draws, and stays above b's 20,000 in all but (30 / 60)^2 / 2.

    >>> pools = pd.DataFrame({"month": ["m"], "pool": "desk", "posted": [600_000], "capacity_s": 600})
    >>> work = pd.DataFrame({"month": "m", "pool": "desk", "activity": ["x", "y"], "segment": ["a", "b"],
    ...                      "seconds": [300, 100]})
    >>> margins = pd.DataFrame({"segment": ["a", "b"], "margin": [50_000, 20_000]})
    >>> unsure = pd.DataFrame({"kind": ["activity"], "name": ["x"], "share": [0.2]})
    >>> rows, pairs = uncertain(work, pools, margins, unsure, rng=np.random.default_rng(3), draws=20_000)
    >>> rows.round({"margin_low": -3, "margin_high": -3, "below": 2})
      segment   margin  margin_low  margin_high  below
    0       a  50000.0      3000.0      97000.0   0.01
    1       b  20000.0     20000.0      20000.0   0.00
    >>> pairs.round(2)
      first second  kept  settled
    0     a      b  0.87    False
    """
    known = margins.dropna(subset=["margin"]).set_index("segment")["margin"].astype("float64")
    names = list(known.sort_values(ascending=False, kind="stable").index)
    columns = ["segment", "margin", "margin_low", "margin_high", "below"]
    pairs = ["first", "second", "kept", "settled"]
    if not names or unsure.empty or pools.empty:
        return pd.DataFrame(columns=columns), pd.DataFrame(columns=pairs)
    rates = (
        pools[pools["capacity_s"] > 0].groupby(["month", "pool"]).agg(p=("posted", "sum"), c=("capacity_s", "first"))
    )
    cells = work.merge((rates["p"] / rates["c"]).rename("rate").reset_index(), on=["month", "pool"])
    cells = cells.assign(cents=cells["rate"] * cells["seconds"].astype("float64"))
    cells = cells.groupby(["pool", "activity", "segment"])["cents"].sum().unstack("segment", fill_value=0.0)
    cells = cells.reindex(columns=names, fill_value=0.0)
    share = unsure.set_index(["kind", "name"])["share"]

    def factors(kind: str, of: Sequence[str]) -> np.ndarray:
        own = np.array([share.get((kind, name), 0.0) for name in sorted(set(of))])
        drawn = 1 + own * (rng.random((draws, len(own))) + rng.random((draws, len(own))) - 1)  # triangular
        return drawn[:, [sorted(set(of)).index(name) for name in of]]

    times = factors("activity", cells.index.get_level_values("activity"))
    capacities = factors("pool", cells.index.get_level_values("pool"))
    drawn = known[names].to_numpy() + cells.to_numpy().sum(axis=0) - (times / capacities) @ cells.to_numpy()
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    rows = pd.DataFrame({"segment": names, "margin": known[names].to_numpy(), "margin_low": low, "margin_high": high})
    rows["below"] = (drawn < 0).mean(axis=0)
    kept = (drawn[:, :-1] > drawn[:, 1:]).mean(axis=0)
    told = pd.DataFrame({"first": names[:-1], "second": names[1:], "kept": kept, "settled": kept >= confidence})
    return rows, told[pairs]
