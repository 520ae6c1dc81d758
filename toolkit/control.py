"""Is a month more than noise? Control charts of values, shares and net shares, and the false alarms they give."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from toolkit.errors import DataError

KINDS = ("values", "shares", "scores")
FIRST, FROZEN = 10, 18  # months that the first limits need; months after which they are frozen
_D2 = 1.128  # mean range of two draws of a normal, in standard deviations
_WIDTH = 3.0
_WEIGHT = 0.2  # of the newest month in the EWMA
_OVER = 0.95  # of chi-square, from which spread is more than binomial
_FEW = 5  # of either kind, expected or seen, below which a share is not judged by a normal
NELSON = {2: 9, 3: 6, 4: 14, 5: 3, 6: 5, 7: 15, 8: 8}  # rule -> how many months it looks at


def limits(points: pd.DataFrame, *, kind: str) -> pd.DataFrame:
    """Points with the control limits that all of them give: of a series that is taken to be in control.

    Parameters
    ----------
    points
        ``value``; of shares and scores ``n`` (what it is a share of), of scores ``second`` too (mean of the squares of
        what is averaged: the share of +1 and that of -1 together).
    kind
        ``values`` (XmR), ``shares`` (p, or Laney's p' where the points spread more than binomially) or ``scores`` (the
        same of a net share).

    Returns
    -------
    DataFrame
        ``points`` with ``centre``, ``low``, ``high``, ``z`` (distance to the centre in standard deviations) and
        ``spread`` (of values the standard deviation, else by how much they spread more than binomially; 1: not).

    Notes
    -----
    docs/METHODS.md section 7.2. No interval is cut at 0 or 1.

    Examples
    --------
    >>> nist = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
    >>> limits(pd.DataFrame({"value": nist}), kind="values")[["centre", "low", "high"]].iloc[0].round(4).tolist()
    [50.81, 45.8159, 55.8041]
    """
    value, n, second = _arrays(points, kind)
    centre, unit, spread = _fitted(value[None], n[None], second[None], kind)
    deviation = _deviation(unit, spread, n[None], kind)[0]
    found = points.assign(centre=centre[0], low=centre[0] - _WIDTH * deviation, high=centre[0] + _WIDTH * deviation)
    return found.assign(z=_standard(value - centre[0], deviation), spread=spread[0])


def chart(points: pd.DataFrame, *, kind: str, rules: Sequence[int] = ()) -> pd.DataFrame:
    """Each month against the limits of the months before it: what is more than noise.

    Parameters
    ----------
    points
        As for ``limits``, one row a month, the first first; months that nobody knows are no rows.
    kind
        As for ``limits``.
    rules
        Further rules of Nelson, by their numbers 2 to 8.

    Returns
    -------
    DataFrame
        ``points`` with ``n_before`` (months that its limits are of), ``centre``, ``low``, ``high`` (cut where a share
        ends; missing: too few months before it, or a share of which fewer than five of either kind are expected, and
        were seen), ``z``, ``spread`` (as of ``limits``), ``ewma`` (in standard deviations), ``outside``, ``drift`` (by
        EWMA) and ``nelson`` (the further rules that it breaks, such as "2, 5"; those that the series is too short for
        are not looked at).

    Raises
    ------
    DataError
        If there is no such rule.

    Notes
    -----
    docs/METHODS.md section 7.2: limits of the months before, ten at least, of the first 18 at most, without those
    that were outside; EWMA set back after each signal.

    Examples
    --------
    >>> months = pd.DataFrame({"value": [5.0, 6, 5, 6, 5, 6, 5, 6, 5, 6, 5.5, 9]})
    >>> chart(months, kind="values")[["n_before", "low", "high", "outside"]].tail(2).round(2).values.tolist()
    [[10, 2.84, 8.16, False], [11, 2.97, 8.03, True]]
    """
    if unknown := sorted(set(rules) - set(NELSON)):
        known = ", ".join(map(str, NELSON))
        raise DataError(f"chart: expected rules of Nelson among {known}, found {', '.join(map(str, unknown))}.")
    value, n, second = _arrays(points, kind)
    walked = {name: rows[0] for name, rows in _walk(value[None], n[None], second[None], kind).items()}
    broken = {rule: runs(walked["z"], rule) for rule in sorted(rules)}
    names = [", ".join(str(rule) for rule, at in broken.items() if at[month]) for month in range(len(points))]
    least, most = {"values": (-np.inf, np.inf), "shares": (0, 1), "scores": (-1, 1)}[kind]
    walked |= {end: np.clip(walked[end], least, most) for end in ("low", "high")}
    return points.assign(**walked, nelson=pd.Series(names, points.index, dtype="str"))


def runs(z: np.ndarray, rule: int) -> np.ndarray:
    """Where a rule of Nelson is complete: at the last month of its run.

    Months that are not judged (missing) are left out, and their neighbours count as neighbours, in one series alone.

    Parameters
    ----------
    z
        Distances to the centre in standard deviations, months along the last axis.
    rule
        Number of the rule, 2 to 8.

    Returns
    -------
    array
        Of booleans, in the shape of ``z``.

    Notes
    -----
    Nelson, *Journal of Quality Technology* 16, 1984; docs/METHODS.md section 7.2.

    Examples
    --------
    >>> runs(np.array([2.1, 0, 2.2]), 5).tolist()
    [False, False, True]
    """
    found = np.zeros(z.shape, dtype=bool)
    known = np.isfinite(z) if z.ndim == 1 else slice(None)
    judged, length = z[known] if z.ndim == 1 else z, NELSON[rule]
    if judged.shape[-1] < length:
        return found
    w = np.lib.stride_tricks.sliding_window_view(judged, length, axis=-1)
    step = np.diff(w, axis=-1)
    broken = {
        2: lambda: (w > 0).all(-1) | (w < 0).all(-1),
        3: lambda: (step > 0).all(-1) | (step < 0).all(-1),
        4: lambda: (step[..., 1:] * step[..., :-1] < 0).all(-1),
        5: lambda: _most(w, 2, 2),
        6: lambda: _most(w, 1, 4),
        7: lambda: (np.abs(w) < 1).all(-1),
        8: lambda: (np.abs(w) > 1).all(-1) & (w > 0).any(-1) & (w < 0).any(-1),
    }[rule]()
    inside = np.zeros(judged.shape, dtype=bool)
    inside[..., length - 1 :] = broken
    if z.ndim > 1:
        return inside
    found[known] = inside
    return found


def _most(w: np.ndarray, beyond: float, number: int) -> np.ndarray:
    """``number`` of a window, the last among them, beyond on one side."""
    sides = (w > beyond, w < -beyond)
    found = np.logical_or(*[side[..., -1] & (side.sum(-1) >= number) for side in sides])
    return found & np.isfinite(w).all(-1)


def false_alarms(
    points: pd.DataFrame, *, kind: str, rng: np.random.Generator, rules: Sequence[int] = (), draws: int = 1000
) -> np.ndarray:
    """How often each month of a series would signal though nothing ever happened: shares (0-1).

    Parameters
    ----------
    points, kind, rules
        As for ``chart``.
    rng, draws
        Of the noise; Monte-Carlo error sqrt(p / draws) a month.

    Returns
    -------
    array
        One share a month: the same procedure on draws of the same length and ``n``, at the centre of the first 18.
        Shares are binomial, net shares multinomial, where they spread more with a normal on top; values are normal.

    Notes
    -----
    docs/METHODS.md section 7.2. Autocorrelation, seasons and skew make more.

    Examples
    --------
    >>> months = pd.DataFrame({"value": [0.5, 0.52] * 9, "n": 400})
    >>> rates = false_alarms(months, kind="shares", rng=np.random.default_rng(1))
    >>> float(rates[:10].sum()), bool(0.002 < rates[10:].mean() < 0.02)
    (0.0, True)
    """
    value, n, second = (each[None] for each in _arrays(points, kind))
    shape = (draws, len(points))
    if kind == "values":
        drawn = squares = rng.normal(size=shape)
    else:
        centre, unit, spread = _fitted(value[:, :FROZEN], n[:, :FROZEN], second[:, :FROZEN], kind)
        more = unit * np.sqrt(spread**2 - 1) / np.sqrt(n) * rng.normal(size=shape)
        if kind == "shares":
            p = np.clip(centre + more, 0, 1)
            drawn = squares = rng.binomial(n.astype("int64"), p) / n
        else:
            square = (n * second)[:, :FROZEN].sum() / n[:, :FROZEN].sum()
            plus, minus = (np.clip((square + side * (centre + more)) / 2, 0, 1) for side in (1, -1))
            up = rng.binomial(n.astype("int64"), plus)
            down = rng.binomial(n.astype("int64") - up, np.clip(minus / np.maximum(1 - plus, 1e-9), 0, 1))
            drawn, squares = (up - down) / n, (up + down) / n
    found = _walk(drawn, np.broadcast_to(n, shape), squares, kind)
    signals = found["outside"] | found["drift"]
    for rule in rules:
        signals |= runs(found["z"], rule)
    return signals.mean(axis=0)


def _arrays(points: pd.DataFrame, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value, number and mean square of points."""
    assert kind in KINDS, kind
    value = points["value"].to_numpy("float64")
    n = points["n"].to_numpy("float64") if kind != "values" else np.ones(len(value))
    return value, n, points["second"].to_numpy("float64") if kind == "scores" else value


def _fitted(value: np.ndarray, n: np.ndarray, second: np.ndarray, kind: str) -> tuple[np.ndarray, ...]:
    """Centre, standard deviation of one draw, and spread, of the points along the last axis that are not missing."""
    if kind == "values":
        ranges = np.abs(np.diff(value, axis=-1))
        deviation = np.nansum(ranges, -1) / np.isfinite(ranges).sum(-1) / _D2
        return np.nanmean(value, axis=-1), np.ones(len(value)), deviation
    total = np.nansum(n, axis=-1)
    centre = np.nansum(n * value, axis=-1) / total
    square = {"shares": centre, "scores": np.nansum(n * second, axis=-1) / total}[kind]
    unit = np.sqrt(np.maximum(square - centre**2, 0))
    unit = np.where(unit > 0, unit, np.sqrt(0.5 / (total + 1)))  # nothing ever moved: as if half of one had
    z = _standard(value - centre[:, None], unit[:, None] / np.sqrt(n))
    ranges = np.abs(np.diff(z, axis=-1))
    moved = np.nansum(ranges, -1) / np.isfinite(ranges).sum(-1) / _D2
    over = np.nansum(z**2, axis=-1) > _chi_square(np.isfinite(value).sum(-1) - 1)
    return centre, unit, np.where(over, np.maximum(moved, 1), 1.0)


def _chi_square(df: np.ndarray) -> np.ndarray:
    from scipy.special import chdtri

    return chdtri(df, 1 - _OVER)


def _deviation(unit: np.ndarray, spread: np.ndarray, n: np.ndarray, kind: str) -> np.ndarray:
    """Standard deviation of points of ``n``."""
    return (unit * spread)[:, None] / (1 if kind == "values" else np.sqrt(n)) * np.ones_like(n)


def _rarer(share: np.ndarray, n: np.ndarray) -> np.ndarray:
    """How many of the rarer kind a share of n is."""
    return np.round(n * np.minimum(share, 1 - share), 6)  # 49.99999 of 50 that were counted


def _standard(away: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Distances in standard deviations: 0 of none, and without end where nothing ever moved."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(away == 0, 0.0, away / deviation)


def _walk(value: np.ndarray, n: np.ndarray, second: np.ndarray, kind: str) -> dict[str, np.ndarray]:
    """Series by months, judged one month after the other against those before it."""
    series, months = value.shape
    base = [np.full((series, FROZEN), np.nan) for _ in range(3)]
    count, average, steps = np.zeros(series, dtype=int), np.zeros(series), np.zeros(series)
    names = ("centre", "low", "high", "z", "spread", "ewma")
    found = {name: np.full((series, months), np.nan) for name in names}
    found |= {name: np.zeros((series, months), dtype=bool) for name in ("outside", "drift")}
    found["n_before"] = np.zeros((series, months), dtype=int)
    every = np.arange(series)
    for month in range(months):
        judged = count >= FIRST
        now = [each[:, month] for each in (value, n, second)]
        found["n_before"][:, month] = count
        outside = np.zeros(series, dtype=bool)
        if judged.any():
            at = np.flatnonzero(judged)
            centre, unit, spread = _fitted(*(each[at] for each in base), kind)
            deviation = _deviation(unit, spread, now[1][at, None], kind)[:, 0]
            z = _standard(now[0][at] - centre, deviation)
            if kind == "shares":
                enough = np.maximum(_rarer(centre, now[1][at]), _rarer(now[0][at], now[1][at])) >= _FEW
                at, centre, spread, deviation, z = (each[enough] for each in (at, centre, spread, deviation, z))
            ends = {"low": centre - _WIDTH * deviation, "high": centre + _WIDTH * deviation}
            for name, each in ({"centre": centre, "z": z, "spread": spread} | ends).items():
                found[name][at, month] = each
            outside[at] = np.abs(z) > _WIDTH
            steps[at] += 1
            average[at] = _WEIGHT * np.clip(z, -1e6, 1e6) + (1 - _WEIGHT) * average[at]
            width = _WIDTH * np.sqrt(_WEIGHT / (2 - _WEIGHT) * (1 - (1 - _WEIGHT) ** (2 * steps[at])))
            found["ewma"][at, month] = average[at]
            found["drift"][at, month] = np.abs(average[at]) > width
            found["outside"][:, month] = outside
            ended = outside | found["drift"][:, month]
            average[ended], steps[ended] = 0, 0
        if month < FROZEN:
            kept = every[~outside]
            for held, each in zip(base, now, strict=True):
                held[kept, count[kept]] = each[kept]
            count[kept] += 1
    return found
