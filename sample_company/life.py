"""How do the sample company's customers, carriers and suppliers behave? The mechanism behind it."""

import json
from decimal import Decimal
from types import SimpleNamespace as Columns

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

ZONE = "Europe/Amsterdam"
DAY, NEVER = 86_400, 2**40  # times are seconds on the clock in ZONE since 1970; NEVER is empty
MONDAY, _DAYS = 19_905, 822  # the company's day 0 is 2024-07-01; the last with orders is 2026-09-30
EXTRACT = (MONDAY + _DAYS + 21) * DAY  # files were drawn on 2026-10-22; nothing later is in them
DATES = np.datetime64("2024-07-01") + np.arange(_DAYS + 60)
_MONTH = (DATES.astype("datetime64[M]") - np.datetime64("2024-07")).astype(int)
MONTHS = np.datetime64("2024-07") + np.arange(28)  # the last is cut by the extract
CSV = ("payments", "surveys")

SIZES = {  # customers, orders, products; share of promised orders invited; size of the small tables
    "normal": Columns(customers=20_000, orders=400_000, products=1200, invited=0.15, scale=1.0),
    "tiny": Columns(customers=400, orders=4_500, products=200, invited=0.6, scale=0.1),
}

GROUPS = ("city households", "families", "small businesses", "caterers", "export wholesalers")
REGIONS = ("Centre", "East", "Flanders", "North", "South", "West")
_LATITUDE, _LONGITUDE = np.array([[52.1, 52.3, 51.0, 53.1, 51.5, 52.1], [5.2, 6.4, 3.9, 6.4, 5.4, 4.4]])
TYPES = ("consumer", "business", "wholesale")  # all that the data say of a group
CHANNELS = ("app", "edi", "phone", "store", "web")
CATEGORIES = (
    "bakery",
    "cheese",
    "coffee and tea",
    "fresh",
    "glass and china",
    "household",
    "pantry",
    "wine",
)
BRANDS = [f"Brand {letter}" for letter in "ABCDEFGHIJKLMNOPQRST"]
_LIKES = ("organic", "quick", "budget", "premium")  # attributes of products
SITES = tuple([f"S{i:02}" for i in range(1, 13)] + ["W01", "W02"])  # two stores a region, warehouse, plant
_SITE_REGION = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 1])
SUPPLIERS = ("SUP1", "SUP2", "SUP3", "SUP4", "SUP5", "SUP6", "SUP7", "W01")
_MAKERS = 7  # product i comes of SUPPLIERS[i % _MAKERS]
CARRIERS = ("courier", "own_van", "pallet_line", "parcel_a", "parcel_b")
_COURIER, _VAN, _PALLET, _PARCEL_A, _PARCEL_B = range(5)
_CLICK, _CURBSIDE, _DIRECT, _HOME, _STORE, _SHIP = range(6)  # FULFILMENTS, in their order
ITEMS = ("recommend", "on_time", "product", "felt_personal")


def _drawn(table: str) -> Columns:
    """Numbers by name: one row of text each, a cell a group."""
    rows = [line.split("|") for line in table.strip().splitlines()]
    return Columns(
        **{name.strip(): np.squeeze([[float(x) for x in cell.split()] for cell in cells]) for name, *cells in rows}
    )


# A cell a group, in the order of GROUPS. Several numbers are weights: of weekdays from Monday, busy hours,
# REGIONS, CHANNELS, FULFILMENTS, _LIKES, CATEGORIES, ways to pay. frequency: orders in 27 months, before
# scaling; pieces: a line, beyond the first; uplift: orders made by a contact; level to damage: see answers.
_G = _drawn("""
share      | 0.42            | 0.33            | 0.14            | 0.08            | 0.03
type       | 0               | 0               | 1               | 1               | 2
frequency  | 14              | 20              | 32              | 45              | 30
lines      | 2.6             | 3.6             | 1.3             | 4.5             | 5
pieces     | 1.2             | 2               | 0.4             | 6               | 36
discount   | 0               | 0               | 0.02            | 0.06            | 0.13
rush       | 0.03            | 0.02            | 0.38            | 0.05            | 0.03
advent     | 1.5             | 1.8             | 0.9             | 1.9             | 1.2
summer     | 0.95            | 0.85            | 0.8             | 1.1             | 0.9
uplift     | 0.10            | 0.26            | 0.04            | 0               | 0
agreed     | 0               | 0               | 0.2             | 0.85            | 0.9
visits     | 0               | 0               | 0               | 2.5             | 9
peaks      | 12.5 20.5       | 10 20           | 8.5 16          | 6.5 22          | 9.5 14
weekday    | 10 9 9 9 12 13 11 | 9 8 9 9 12 18 13 | 13 12 12 12 11 2 1 | 7 6 6 7 5 2 2 | 26 24 22 22 20 1 1
region     | 5 2 2 2 2 7     | 4 4 2 3 4 3     | 4 3 2 3 4 4     | 5 2 3 2 3 5     | 2 1 12 1 3 1
channel    | 60 0 2 10 28    | 30 0 5 15 50    | 15 0 35 10 40   | 10 25 45 0 20   | 0 80 15 0 5
fulfilment | 28 2 0 38 27 5  | 12 15 0 50 21 2 | 5 2 3 62 13 15  | 0 0 25 60 10 5  | 0 0 93 7 0 0
likes      | 3 3 0.5 1.2     | 1.2 1 3 0.6     | 0.6 2 1 1       | 1.2 0.3 0.6 4   | 0.5 0.3 2 1
category   | 3 2 2 4 1 1 2 2 | 3 2 2 3 1 3 3 1 | 2 1 6 1 1 4 2 1 | 3 4 2 4 2 1 2 4 | 1 4 2 1 1 1 4 4
payment    | 6 1 5 0         | 6 1 4 0         | 2 0 1 5         | 0 0 0 1         | 0 0 0 1
level      | 8.3             | 8.6             | 7.7             | 8.5             | 8.1
spread     | 1.5             | 1.3             | 1.7             | 1.4             | 1.2
late       | 1.0             | 0.8             | 1.5             | 1.9             | 0.6
short      | 0.7             | 0.9             | 1.1             | 1.7             | 1.2
damage     | 1.2             | 1.0             | 0.9             | 1.3             | 0.7
""")
_STEPS = (0.6, 1.4, 2.6, 3.3, 4.6, 5.6, 6.3, 7.1, 8.1, 9.0)  # from the latent to an answer of 0 to 10

TIME = {  # time equations: activity -> pool, seconds of each, more seconds for each unit of a driver
    "order_entry": ("order_desk", 30, {"export": 300, "lines": 6, "rush": 180}),
    "picking": ("warehouse", 75, {"lines": 40, "pallets": 300, "rush": 60}),
    "packing": ("warehouse", 50, {"export": 420, "hand_packed": 150}),
    "delivery_stop": ("transport", 360, {"pallets": 540, "rush": 240}),
    "complaint_handling": ("customer_service", 720, {"lines": 60}),
    "return_handling": ("warehouse", 300, {"hand_packed": 120}),
    "account_visit": ("account_management", 5400, {}),
}
POOLS = {  # cents a minute of practical capacity; shares of the accounts
    "account_management": (95, {"rent": 0.1, "vehicles": 0.1, "wages": 0.8}),
    "customer_service": (55, {"rent": 0.15, "wages": 0.85}),
    "order_desk": (62, {"rent": 0.15, "wages": 0.85}),
    "transport": (71, {"vehicles": 0.4, "wages": 0.6}),
    "warehouse": (48, {"packaging": 0.15, "rent": 0.25, "wages": 0.6}),
}
OVER_POOL, OVER_MONTH = "warehouse", 17  # 2025-12

NEEDS = ("predictable arrival", "smaller stock")
REQUEST_TYPES = ("daily_delivery", "fixed_hour", "shorter_lead_time", "smaller_orders")
_REQUEST_SHARE = ((0.1, 0.6, 0.25, 0.05), (0.33, 0.05, 0.17, 0.45))  # by need
TERMS = {  # term -> department, share of each need's agreements that hold it, wordings
    "arrival_notice": ("customer_service", (0.5, 0.05), ("call ahead", "text 30 min ahead", "yes")),
    "delivery_days": ("logistics", (0.3, 0.8), ("daily", "mon-fri", "every working day")),
    "delivery_window": ("logistics", (0.85, 0.1), ("07:00-09:00", "before 9", "fixed hour")),
    "lead_time_days": ("sales", (0.4, 0.3), ("1", "2", "next day")),
    "minimum_order": ("sales", (0.1, 0.75), ("half case", "none", "single case")),
    "payment_days": ("finance", (1.0, 1.0), ("14", "30", "60")),
}
LED = {  # by type: agreements and visits make for intimacy; rush makes orders late, many lines and papers imperfect
    "consumer": ("operational_excellence", ""),
    "business": ("", "on_time"),
    "wholesale": ("customer_intimacy", "perfect"),
}
WEAK, WEAK_DAY = 3, 488  # SUP4, from 2025-11-01
WEAK_LATE, WEAK_SHORT = (0.07, 0.32), (0.04, 0.22)  # of its purchase orders, of their lines; before, after
_SHORT = (0.02, 0.11)  # of our order lines: all others; its products from then on
_CARRIER_LATE = np.array([0.08, 0.05, 0.09, 0.17, 0.07, 0.03])  # of CARRIERS; of goods fetched
_TARIFF = np.array(  # of CARRIERS, and nothing; cents a shipment, a kilogram, a kilometre
    [[480, 0, 3200, 430, 455, 0], [30, 0, 9, 28, 26, 0], [4, 0, 9, 0.4, 0.4, 0]]
)
_DECISION_DAY, _DECISION_REGION = 580, 3  # 2026-02-01, North
_CAMPAIGN_DAYS = (20, 110, 150, 300, 430, 515, 680)
WISHES = (6.0, 4.5, 3.0, 2.0, 1.5, 0.8)  # a day, of the first four products and of two terms
TERM_WISHES = ("oat cream", "refill soap")
SHOPS, _KEPT = np.array([0, 3, 9, 11, 12, 13]), 24  # sites and first articles whose stock is counted


# -- what happens: columns of codes and numbers under the contract's names -------------------


def _draw(rng, weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """A random column of a table of weights, for each of these rows of it."""
    edges = np.cumsum(weights, axis=1)
    return (rng.random(len(rows))[:, None] >= (edges / edges[:, -1:])[rows, :-1]).sum(axis=1)


def _timely(rows: Columns, at: str) -> Columns:
    """The rows known at the extract, in order of time."""
    times = getattr(rows, at)
    sort = np.argsort(times, kind="stable")
    sort = sort[times[sort] < EXTRACT]
    return Columns(**{name: column[sort] for name, column in vars(rows).items()})


def customers(rng, n: int) -> Columns:
    sizes = np.diff(np.rint(np.cumsum([0, *_G.share]) * n).astype(int))
    who = Columns(group=rng.permutation(np.repeat(np.arange(len(GROUPS)), sizes)))
    who.joined = np.where(rng.random(n) < 0.65, rng.integers(-1800, 0, n), rng.integers(0, _DAYS - 90, n))
    who.began = np.maximum(who.joined, 0)
    who.left = np.where(rng.random(n) < 0.25, rng.integers(who.began + 30, _DAYS), _DAYS)
    who.region = np.array([_draw(rng, _G.region, who.group), _draw(rng, _G.region, who.group)])
    moves = (who.joined < 0) & (who.group < 3) & (who.region[0] != who.region[1]) & (rng.random(n) < 0.07)
    who.moved = np.where(moves, clock(rng.integers(30, _DAYS - 30, n)), NEVER)
    who.latitude = _LATITUDE[who.region] + rng.normal(0, 0.15, (2, n))
    who.longitude = _LONGITUDE[who.region] + rng.normal(0, 0.25, (2, n))
    who.store = rng.integers(0, 2, n)
    who.consent = np.where(rng.random(n) < 0.02, -1, rng.random(n) > 0.04)
    who.need = np.where(who.group >= 2, rng.integers(0, 2, n), -1)
    agreed = rng.random(n) < _G.agreed[who.group]
    who.agreement = np.where(agreed, np.cumsum(agreed) - 1, -1)
    since = np.where(rng.random(n) < 0.7, who.joined, rng.integers(who.began, _DAYS - 30))
    until = rng.integers(np.maximum(since, 0), _DAYS) + 1
    who.agreed = clock(since), np.where(rng.random(n) < 0.1, clock(until), NEVER)
    who.level = -0.9 * (rng.gamma(2, size=n) - 2) / np.sqrt(2)  # few are hard to please
    return who


def products(rng, n: int) -> Columns:
    goods = Columns(product_id=np.arange(n), category=rng.integers(0, len(CATEGORIES), n))
    goods.brand = rng.integers(0, len(BRANDS), n)
    goods.weight_g = np.rint(rng.lognormal(6.3, 0.5, n) * np.where(goods.category == 7, 2, 1)).astype(int)
    goods.volume_ml = np.rint(goods.weight_g * rng.uniform(0.9, 2.5, n)).astype(int)
    likes = rng.random((n, len(_LIKES))) < 0.25
    goods.attributes = pa.array([json.dumps(dict(zip(_LIKES, row, strict=True))) for row in likes.tolist()])
    euros = np.array([4, 9, 12, 5, 14, 8, 5, 11])[goods.category] * rng.lognormal(0, 0.45, n) + 0.5
    goods.price = np.rint(100 * euros).astype(int)
    goods.cost = np.rint(goods.price * rng.uniform(0.52, 0.74, n)).astype(int)
    taste = np.where(likes, _G.likes[:, None, :], 1).prod(axis=2) * _G.category[:, goods.category]
    goods.chances = taste / (rng.permutation(n) + 8.0)  # few sell much
    goods.fragile = np.isin(goods.category, (4, 7))
    return goods


def campaigns(rng, who) -> tuple[Columns, Columns, Columns, dict[str, float]]:
    """Campaigns; who was contacted or held out; the orders that this made; the uplift by campaign."""
    contacts, made, uplift = [], [], {}
    for number, first in enumerate(_CAMPAIGN_DAYS):
        fit = (who.group < 3) & (who.joined < first) & (who.left > first + 28) & (who.consent == 1)
        chosen = np.sort(rng.permutation(np.flatnonzero(fit))[: len(fit) // 5])
        held = rng.random(len(chosen)) < 0.2
        contacts.append((np.full(len(chosen), number), chosen, held))
        buyers = np.repeat(chosen, rng.poisson(_G.uplift[who.group[chosen]]) * ~held)
        made.append((np.full(len(buyers), number), buyers, first + rng.integers(1, 28, len(buyers))))
        uplift[f"K{number + 1}"] = 1000 * len(buyers) / int((~held).sum())
    rows = _rows("campaign_id customer_id held_out", contacts)
    start = clock(np.array(_CAMPAIGN_DAYS)[rows.campaign_id]) + 9 * 3600
    rows.contacted_at = start + rng.integers(0, 3600, len(start))
    number = np.arange(len(_CAMPAIGN_DAYS))
    campaigns = Columns(campaign_id=number, template_id=number % 3, department=number % 3 // 2)
    campaigns.cost = 150_000 + 85 * np.bincount(rows.campaign_id)
    campaigns.starts_on = MONDAY + np.array(_CAMPAIGN_DAYS)
    return campaigns, rows, _rows("campaign customer day", made), uplift


def _rows(names: str, parts: list[tuple]) -> Columns:
    """Columns of these names out of parts that hold a piece of each."""
    return Columns(**dict(zip(names.split(), map(np.concatenate, zip(*parts, strict=True)), strict=True)))


def orders(rng, who, contacts, made, target: int) -> Columns:
    month_day = np.array([text[5:] for text in DATES[:_DAYS].astype(str)])
    advent = (month_day >= "12-05") & (month_day <= "12-24")
    summer = (month_day >= "07-01") & (month_day <= "08-31")
    closed = np.isin(month_day, ("01-01", "12-25", "12-26"))
    day = np.arange(_DAYS)
    busy = _G.weekday[:, day % 7] * (1 + 0.06 * day / 365) * np.where(closed, 0.1, 1)
    busy *= np.where(advent, _G.advent[:, None], 1) * np.where(summer, _G.summer[:, None], 1)
    edges = np.pad(np.cumsum(busy, axis=1), ((0, 0), (1, 0)))
    low, high = edges[who.group, who.began], edges[who.group, who.left]
    rate = _G.frequency[who.group] * (high - low) / edges[who.group, -1]
    rate *= rng.gamma(0.9, size=len(rate)) * np.where(who.need == 1, 1.4, 1)
    buyer = np.repeat(np.arange(len(rate)), rng.poisson(rate * (target / rate.sum())))
    aim = low[buyer] + rng.random(len(buyer)) * (high - low)[buyer]
    day = _inverse(edges[:, 1:], who.group[buyer], aim)
    claim, told = np.full(len(buyer), -1), np.zeros((len(_CAMPAIGN_DAYS), len(rate)), bool)
    told[contacts.campaign_id[~contacts.held_out], contacts.customer_id[~contacts.held_out]] = True
    for number, first in enumerate(_CAMPAIGN_DAYS):  # a campaign also claims what habit would have bought
        near = (day > first) & (day < first + 28) & (rng.random(len(buyer)) < 0.4)
        claim[told[number, buyer] & near] = number
    buyer, day = np.append(buyer, made.customer), np.append(day, made.day)
    claim = np.append(claim, made.campaign)

    n, group = len(buyer), who.group[buyer]
    hours = np.exp(-(((np.arange(24) - _G.peaks[..., None]) / 2.2) ** 2) / 2).sum(axis=1) + 0.01
    at = clock(day) + _draw(rng, hours, group) * 3600 + rng.integers(1, 3600, n)
    sort = np.lexsort((buyer, at))
    orders = Columns(order_id=np.arange(n), customer_id=buyer[sort], ordered_at=at[sort])
    orders.campaign_id, orders.day, orders.group = claim[sort], day[sort], group[sort]
    orders.place = (orders.ordered_at >= who.moved[orders.customer_id]).astype(int)
    orders.region = who.region[orders.place, orders.customer_id]
    orders.advent = advent[orders.day]
    orders.fulfilment = _draw(rng, _G.fulfilment, orders.group)
    in_store = orders.fulfilment == _STORE
    orders.channel = np.where(in_store, 3, _draw(rng, _G.channel, orders.group))
    near = np.where(rng.random(n) < 0.88, orders.region, rng.integers(0, len(REGIONS), n))
    depot = np.where((orders.fulfilment == _DIRECT) | np.isin(orders.region, (1, 3)), 13, 12)
    from_depot = np.isin(orders.fulfilment, (_DIRECT, _HOME))
    orders.site_id = np.where(from_depot, depot, 2 * near + who.store[orders.customer_id])
    orders.rush = (rng.random(n) < _G.rush[orders.group]) & ~in_store
    orders.cancelled = (rng.random(n) < 0.012) & ~in_store
    orders.cancelled_at = np.where(orders.cancelled, orders.ordered_at + rng.integers(300, 20_000, n), NEVER)
    since, until = (edge[orders.customer_id] for edge in who.agreed)
    agreed = (orders.ordered_at >= since) & (orders.ordered_at < until)
    orders.agreement_id = np.where(agreed, who.agreement[orders.customer_id], -1)
    orders.export = (orders.group == 4) & (orders.region == 2)
    return orders


def _inverse(edges: np.ndarray, group: np.ndarray, aim: np.ndarray) -> np.ndarray:
    """Index of the first of the group's edges above ``aim``."""
    found = np.zeros(len(aim), int)
    for one, edge in enumerate(edges):
        found[group == one] = np.searchsorted(edge[:-1], aim[group == one], side="right")
    return found


def shelves(seed: int, orders, lines) -> Columns:
    """Stock of the kept articles, filled every Monday night; after the line that it does not suffice for they are out.

    ``missed`` (by line), and by shop, article and week: ``left`` (pieces counted before it is filled), ``out_from``
    (when it ran out). An own generator: no other draw moves.
    """
    place = np.full(orders.site_id.max() + 1, -1)
    place[SHOPS] = np.arange(len(SHOPS))
    order = lines.order_id
    shop, week = place[orders.site_id[order]], (orders.day[order] + 6) // 7
    shape = (len(SHOPS), _KEPT, _DAYS // 7 + 2)
    kept = np.flatnonzero((shop >= 0) & (lines.wanted < _KEPT))
    cell = np.ravel_multi_index((shop[kept], lines.wanted[kept], week[kept]), shape)
    sort = np.argsort(cell, kind="stable")
    kept, cell, pieces = kept[sort], cell[sort], lines.quantity_ordered[kept[sort]]
    asked = np.bincount(cell, pieces, np.prod(shape)).astype(int)
    before = np.cumsum(asked) - asked
    usual = asked.reshape(shape).mean(axis=2, keepdims=True)
    filled = (np.ceil(1.3 * usual) + np.random.default_rng([seed, 8]).poisson(3, shape)).astype(int).ravel()
    gone = np.cumsum(pieces) - before[cell] > filled[cell]
    found = Columns(missed=np.zeros(len(order), bool))
    found.missed[kept[gone]] = True
    out_from = np.full(len(filled), np.iinfo(np.int64).max)
    np.minimum.at(out_from, cell[gone], orders.ordered_at[order[kept[gone]]])
    found.left = np.where(asked < filled, filled - asked, 0).reshape(shape)
    found.out_from = out_from.reshape(shape)
    return found


def order_lines(rng, who, goods, orders, seed: int) -> tuple[Columns, Columns]:
    """Lines, and the shelves: in place of what was out stands another article of its category."""
    counts = np.minimum(1 + rng.poisson(_G.lines[orders.group] - 1), 25)
    lines = Columns(order_id=np.repeat(orders.order_id, counts), counts=counts)
    n, group = len(lines.order_id), orders.group[lines.order_id]
    lines.line_no = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    edges = np.cumsum(goods.chances, axis=1)
    lines.wanted = _inverse(edges, group, rng.random(n) * edges[group, -1])
    fewer = np.where(who.need[orders.customer_id[lines.order_id]] == 1, 0.6, 1)
    pieces = 1 + np.floor(_G.pieces[group] * fewer * rng.lognormal(-0.3, 0.8, n)).astype(int)
    lines.quantity_ordered = pieces
    shelf = shelves(seed, orders, lines)
    instead = np.array([_KEPT + np.argmax(goods.category[_KEPT:] == kind) for kind in goods.category[:_KEPT]])
    lines.product_id = product = lines.wanted.copy()
    product[shelf.missed] = instead[lines.wanted[shelf.missed]]
    price = goods.price[product] * (1 - _G.discount[group]) * np.where(rng.random(n) < 0.15, 0.85, 1)
    lines.net_revenue = np.rint(pieces * price).astype(int)
    lines.cost_of_goods = pieces * goods.cost[product]
    weak = (product % _MAKERS == WEAK) & (orders.day[lines.order_id] >= WEAK_DAY)
    rare = rng.random(n) / np.where(orders.advent[lines.order_id], 1.5, 1)
    short = rare < np.where(weak, _SHORT[1], _SHORT[0])
    lines.sent = np.where(short, np.floor(pieces * rng.random(n)).astype(int), pieces)
    broken = (rng.random(n) < np.where(goods.fragile[product], 0.02, 0.004)) & (lines.sent > 0)
    lines.damaged = np.where(broken, 1 + np.floor((lines.sent - 1) * rng.random(n)).astype(int), 0)
    lines.grams = lines.sent * goods.weight_g[product]
    return lines, shelf


def promises(rng, goods, orders, lines) -> tuple[Columns, dict]:
    """By order: what was promised and what became of it; and the truth of the decision."""
    n, promise = len(orders.order_id), Columns()
    promise.made = (orders.fulfilment != _STORE) & ~orders.cancelled
    promise.sends = sends = np.isin(orders.fulfilment, (_DIRECT, _HOME, _SHIP))
    weight = np.bincount(lines.order_id, lines.grams, n).astype(int)
    promise.pallets = np.where(weight > 60_000, -(-weight // 400_000), 0)
    promise.hand_packed = np.bincount(lines.order_id, goods.fragile[lines.product_id], n) > 0
    pieces = np.bincount(lines.order_id, lines.quantity_ordered, n)
    promise.fill = np.bincount(lines.order_id, lines.sent, n) / pieces
    promise.damaged = np.bincount(lines.order_id, lines.damaged, n) > 0

    hurry = orders.rush & np.isin(orders.fulfilment, (_DIRECT, _HOME))
    due = orders.day + np.array([1, 1, 4, 2, 0, 1])[orders.fulfilment] - hurry
    due += due % 7 == 6  # not on Sundays
    hour = np.where(orders.group < 2, rng.integers(17, 22, n), rng.integers(10, 17, n))
    promise.by = clock(due) + hour * 3600
    parcel = np.where(np.isin(orders.region, (0, 1, 5)), _VAN, _PARCEL_A)
    before = np.select([orders.fulfilment == _SHIP, promise.pallets > 0], [_COURIER, _PALLET], parcel)
    moved = (before == _PARCEL_A) & (orders.fulfilment == _HOME) & (orders.region == _DECISION_REGION)
    moved &= (orders.day >= _DECISION_DAY) & promise.made
    carrier = np.where(moved, _PARCEL_B, before)
    trouble = np.where(orders.advent, 1.6, 1) * np.where(orders.rush, 1.4, 1)
    trouble *= np.where(_MONTH[orders.day] == OVER_MONTH, 1.4, 1)
    draw = rng.random(n)
    late, otherwise = (draw < _CARRIER_LATE[np.where(sends, one, -1)] * trouble for one in (carrier, before))
    days = np.where(rng.random(n) < 0.4, 0, rng.geometric(0.45, n)) + rng.uniform(0.02, 0.08, n)
    delay = np.where(late, days * DAY, -7000 * rng.random(n)).astype(int)
    lost = rng.random(n) < 0.002
    promise.carrier = np.where(sends, carrier, -1)
    promise.arrived = np.where(promise.made & ~lost, promise.by + delay, NEVER)
    promise.late = promise.made & (late | lost)
    promise.shipped = np.maximum(orders.ordered_at + 1800, promise.by - 18 * 3600 + np.maximum(delay, 0) // 2)
    was, would = float(late[moved].mean()), float(otherwise[moved].mean())
    return promise, {
        "day": str(DATES[_DECISION_DAY]),
        "region": REGIONS[_DECISION_REGION],
        "carrier_before": CARRIERS[_PARCEL_A],
        "carrier_after": CARRIERS[_PARCEL_B],
        "n": int(moved.sum()),
        "late_share": was,
        "late_share_otherwise": would,
        "effect": was - would,
    }


def deliveries(rng, who, orders, lines, promise) -> tuple[Columns, Columns]:
    """Shipments, now and then two of an order, and their lines."""
    n = len(orders.order_id)
    split = promise.made & promise.sends & (lines.counts > 1) & (rng.random(n) < 0.03)
    shipments = promise.made.astype(int) + split
    ship = Columns(delivery_id=np.arange(shipments.sum()), order_id=np.repeat(orders.order_id, shipments))
    of, sent = ship.order_id, promise.sends[ship.order_id]
    line = np.flatnonzero(promise.made[lines.order_id])
    inside = Columns(order_id=lines.order_id[line], line_no=lines.line_no[line], line=line)
    inside.delivery_id = (np.cumsum(shipments) - shipments)[inside.order_id]
    inside.delivery_id += split[inside.order_id] & (inside.line_no % 2 == 0)
    inside.quantity_delivered, inside.damaged = lines.sent[line], lines.damaged[line]
    ship.shipped_at = np.where(sent, promise.shipped[of], NEVER)
    ship.delivered_at, ship.promised_by = promise.arrived[of], promise.by[of]
    ship.promised_from = np.where(sent, ship.promised_by - 7200, NEVER)
    ship.carrier, ship.from_site_id = promise.carrier[of], orders.site_id[of]
    ship.weight_g = np.bincount(inside.delivery_id, lines.grams[line], len(of)).astype(int) + 250
    home = orders.place[of], orders.customer_id[of]
    north = _LATITUDE[_SITE_REGION[ship.from_site_id]] - who.latitude[home]
    east = _LONGITUDE[_SITE_REGION[ship.from_site_id]] - who.longitude[home]
    ship.distance_m = (1.3 * np.hypot(111_000 * north, 68_000 * east)).astype(int)
    base, per_kg, per_km = (row[ship.carrier] for row in _TARIFF)
    fee = base + per_kg * ship.weight_g / 1000 + per_km * ship.distance_m / 1000 + 350 * orders.rush[of]
    ours = (ship.carrier == _VAN) | ~sent
    ship.freight_cost = np.where(ours, 0, np.rint(fee * rng.uniform(0.95, 1.05, len(of)))).astype(int)
    ship.month = _MONTH[np.minimum(promise.shipped[of], EXTRACT) // DAY - MONDAY]
    ship.freight_invoice_id = np.where(ours, -1, ship.month * len(CARRIERS) + ship.carrier)
    papers = rng.random(len(of)) > np.where(orders.export[of], 0.06, 0.005)
    ship.documents_ok = np.where(sent & (ship.delivered_at < EXTRACT), papers, -1)
    return ship, inside


def events(rng, orders, promise) -> Columns:
    order = np.flatnonzero(promise.made)
    n, end = len(order), np.minimum(promise.arrived, promise.by + 2 * DAY)[order]
    late, sends, shipped = promise.late[order], promise.sends[order], promise.shipped[order]
    trouble = 0.004 + 0.2 * late + 0.2 * (promise.fill[order] < 1) + 0.5 * promise.damaged[order]
    kinds = (  # complaint, question, status_sent, tracking_view: chance, earliest, span
        (trouble, end, 2 * DAY),
        (np.full(n, 0.03), orders.ordered_at[order], DAY),
        (0.3 * sends, shipped, 600),
        ((0.12 + 0.3 * late) * sends, shipped, end - shipped),
    )
    rows = []
    for kind, (chance, earliest, span) in enumerate(kinds):
        at, chosen = earliest + (span * rng.random(n)).astype(int), rng.random(n) < chance
        rows.append((np.full(chosen.sum(), kind), order[chosen], at[chosen]))
    events = _timely(_rows("kind order_id happened_at", rows), "happened_at")
    n = len(events.kind)
    events.event_id, events.customer_id = np.arange(n), orders.customer_id[events.order_id]
    replied = (events.kind < 2) & (rng.random(n) > 0.03)
    wait = (3600 * rng.lognormal(1.5, 1, n)).astype(int)
    events.answered_at = np.where(replied, events.happened_at + wait, NEVER)
    events.department = np.where(events.kind < 2, events.kind, -1)
    return events


def returns(rng, goods, orders, lines, promise, inside) -> Columns:
    line = inside.line[(inside.quantity_delivered > 0) & (promise.arrived[inside.order_id] < NEVER)]
    chance = 0.012 + 0.3 * (lines.damaged[line] > 0) + 0.03 * (goods.category[lines.product_id[line]] == 5)
    line = line[rng.random(len(line)) < chance * np.where(orders.group[lines.order_id[line]] < 2, 1, 0.4)]
    back = Columns(line=line, order_id=lines.order_id[line], line_no=lines.line_no[line])
    back.returned_at = promise.arrived[back.order_id] + (DAY * rng.uniform(0.5, 20, len(line))).astype(int)
    back.quantity = 1 + np.floor(lines.sent[line] * rng.random(len(line)) * 0.999).astype(int)
    back.refund = lines.net_revenue[line] * back.quantity // lines.quantity_ordered[line]
    back.reason = np.where(lines.damaged[line] > 0, 0, rng.integers(1, 4, len(line)))
    return _timely(back, "returned_at")


def activities(rng, who, orders, lines, promise, ship, events, back) -> Columns:
    """Work done, with its true ``seconds``."""
    count = {"lines": lines.counts, "rush": orders.rush, "export": orders.export}
    count |= {"pallets": promise.pallets, "hand_packed": promise.hand_packed}
    written, sent = np.flatnonzero(orders.fulfilment != _STORE), np.flatnonzero(promise.made)
    stops, upset = ship.order_id[ship.carrier == _VAN], np.flatnonzero(events.kind == 0)
    visited = np.repeat(np.arange(len(who.group)), rng.poisson(_G.visits[who.group]))
    done = {
        "order_entry": (written, orders.ordered_at[written] + 300),
        "picking": (sent, promise.shipped[sent] - 1500),
        "packing": (sent, promise.shipped[sent] - 600),
        "delivery_stop": (stops, np.minimum(promise.arrived, promise.by + 5 * DAY)[stops]),
        "complaint_handling": (events.order_id[upset], events.happened_at[upset] + 1800),
        "return_handling": (back.order_id, back.returned_at + 3600),
        "account_visit": (
            np.full(len(visited), -1),
            clock(rng.integers(who.began[visited], _DAYS)) + 36_000,
        ),
    }
    texts, rows = [], []
    for number, (activity, (order, at)) in enumerate(done.items()):
        _, seconds, per = TIME[activity]
        times = rng.integers(1, 3, len(order)) if activity == "account_visit" else np.ones(len(order), int)
        values = [count[driver][order].astype(int) for driver in per]
        code = sum((1000**i * value for i, value in enumerate(values)), np.zeros(len(order), int))
        _, some, text = np.unique(code, return_index=True, return_inverse=True)
        text += len(texts)
        texts += [json.dumps({driver: int(value[i]) for driver, value in zip(per, values, strict=True)}) for i in some]
        seconds = seconds * times + sum(more * value for more, value in zip(per.values(), values, strict=True))
        customer = visited if activity == "account_visit" else orders.customer_id[order]
        rows.append((np.full(len(order), number), order, customer, times, seconds, text, at))
    names = "activity order_id customer_id quantity seconds drivers happened_at"
    work = _timely(_rows(names, rows), "happened_at")
    work.activity_id = np.arange(len(work.activity))
    work.drivers = pa.array(texts).take(pa.array(work.drivers))
    work.department = np.array([list(POOLS).index(pool) for pool, _, _ in TIME.values()])[work.activity]
    return work


def costs(rng, ship, work) -> tuple[Columns, Columns, np.ndarray]:
    """Capacity and ledger, by month and pool; and the minutes worked."""
    months, pools = len(MONTHS), len(POOLS)
    cell = _MONTH[work.happened_at // DAY - MONDAY] * pools + work.department
    minutes = np.bincount(cell, work.seconds, months * pools).reshape(months, pools) / 60
    use = rng.uniform(0.76, 0.95, (months, pools))
    use[OVER_MONTH, list(POOLS).index(OVER_POOL)] = 1.06
    capacity = np.maximum(np.ceil(minutes / use).astype(int), 1)
    rows = []
    for name, (rate, accounts), month_capacity in zip(POOLS, POOLS.values(), capacity.T, strict=True):
        cuts = np.cumsum([share * part for share in accounts.values() for part in (0.7, 0.3)]).round(9)
        posted = np.diff(np.rint(np.outer(rate * month_capacity, cuts)).astype(int), prepend=0)
        for number, account in enumerate(np.repeat(list(accounts), 2)):
            rows += [(month, account, name, number % 2 + 1, posted[month, number]) for month in range(months)]
    carried = np.zeros((months, len(CARRIERS)), int)
    known = (ship.freight_cost > 0) & (ship.shipped_at < EXTRACT)
    np.add.at(carried, (ship.month[known], ship.carrier[known]), ship.freight_cost[known])
    for month, one in np.argwhere(carried):
        rows.append((month, "carriers", "freight", one + 1, carried[month, one]))
    names = ("month", "account", "pool", "posting_no", "amount")
    ledger = Columns(
        **{name: np.array(part) for name, part in zip(names, zip(*sorted(rows), strict=True), strict=True)}
    )
    first = MONTHS.astype("datetime64[D]").astype(int)
    ledger.month, ledger.currency = first[ledger.month], np.zeros(len(rows), int)
    pool = Columns(pool=np.tile(np.arange(pools), months), month=np.repeat(first, pools))
    pool.practical_capacity_minutes = capacity.ravel()
    return pool, ledger, minutes


def payments(rng, orders, lines) -> Columns:
    n, total = len(orders.order_id), np.bincount(lines.order_id, lines.net_revenue).astype(int)
    kind = _draw(rng, _G.payment, orders.group)
    voucher = np.where((kind < 3) & (rng.random(n) < 0.05), total // 5, 0)
    paid = Columns(order_id=np.repeat(orders.order_id, ~orders.cancelled * (1 + (voucher > 0))))
    second = np.append(False, paid.order_id[1:] == paid.order_id[:-1])
    paid.payment_no, paid.kind = second + 1, np.where(second, 4, kind[paid.order_id])
    paid.instalments = np.where(rng.random(len(second)) < 0.03, 3, 1)
    cents = pa.array(np.where(second, voucher[paid.order_id], (total - voucher)[paid.order_id]))
    euros = pc.multiply(cents.cast(pa.decimal128(19)), pa.scalar(Decimal("0.01")))
    paid.amount = euros.cast(pa.string())
    credit = np.where(kind == 3, rng.integers(10, 40, n) * DAY, 60)
    paid.paid_at = (orders.ordered_at + credit)[paid.order_id]
    return paid


# -- what is asked and answered --------------------------------------------------------------


def _before(customer: np.ndarray, flag: np.ndarray) -> np.ndarray:
    """How many earlier rows of the same customer hold the flag; rows are in order of time."""
    sort = np.argsort(customer, kind="stable")
    seen = np.cumsum(flag[sort]) - flag[sort]
    count = np.empty(len(flag), int)
    count[sort] = seen - seen[np.searchsorted(customer[sort], customer[sort])]
    return count


def answers(rng, who, orders, promise) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """What each promised order's customer would answer if asked; effects; answers to the other items.

    Invitations leave at 16:00 on the first working day after the arrival or the promise,
    whichever is first: lateness is seen as far as it has come, shortage and damage only
    after arrival. The answer is a latent (levels of group and customer, what went wrong,
    skewed noise that widens with trouble) cut by uneven steps; and lateness sends some
    straight to 0, 1 or 2.
    """
    order = np.flatnonzero(promise.made)
    group, n = orders.group[order], len(order)
    arrival, by = promise.arrived[order], promise.by[order]
    first = np.minimum(arrival, by) // DAY + 1
    invited = (first + np.array([0, 0, 0, 0, 0, 2, 1])[(first - MONDAY) % 7]) * DAY + 16 * 3600
    arrived = arrival <= invited
    days = np.maximum(np.minimum(arrival, invited) - by, 0) / DAY
    fill, damaged = np.where(arrived, promise.fill[order], 1), arrived & promise.damaged[order]
    level = _G.level[group] + who.level[orders.customer_id[order]]
    noise = -(rng.gamma(1.5, size=n) - 1.5) / np.sqrt(1.5) * _G.spread[group]
    push, bottom = rng.random(n), rng.integers(0, 3, n)

    def recommend(days, fill, damaged):
        late, short = days > 0, fill < 1
        latent = level - _G.late[group] * (0.3 * late + 0.7 * np.sqrt(days))
        latent -= _G.short[group] * (0.4 * short + 2.5 * (1 - fill)) + 1.2 * _G.damage[group] * damaged
        score = np.searchsorted(_STEPS, latent + noise * (1 + 0.35 * late + 0.25 * short))
        upset = late & (push < (0.06 + 0.05 * days) * _G.late[group])
        return np.where(upset, np.minimum(score, bottom), score)

    def usual(value, where):
        return np.array([np.median(value[where & (group == one)]) for one in range(len(GROUPS))])

    score, none = recommend(days, fill, damaged), np.zeros(n)
    on_time, complete = recommend(none, fill, damaged), recommend(days, none + 1, damaged)
    undamaged = recommend(days, fill, none)
    days_usual, fill_usual = usual(days, days > 0), usual(fill, fill < 1)
    rows = []
    for cause, has, without, given, typical in (
        ("late", days > 0, on_time, recommend(days_usual[group], fill, damaged), days_usual),
        ("short", fill < 1, complete, recommend(days, fill_usual[group], damaged), fill_usual),
        ("damaged", damaged, undamaged, recommend(days, fill, none + 1), np.ones(len(GROUPS))),
    ):
        att, ate = 100 * (_class(score) - _class(without)), 100 * (_class(given) - _class(without))
        for one, name in ((-1, "all"), *enumerate(GROUPS)):
            mine = (group == one) | (one < 0)
            amount = np.nan if one < 0 else typical[one]
            own = has & mine
            rows.append((cause, name, int(own.sum()), amount, att[own].mean(), ate[mine].mean()))
    effects = pd.DataFrame(rows, columns=["cause", "group", "n", "typical", "att", "ate"])
    potential = pd.DataFrame({"order": order, "group": pd.Categorical.from_codes(group, GROUPS)})
    potential["invited_at"] = when(invited, plan=True).to_pandas()
    potential = potential.assign(arrived=arrived, days_late=days, fill=fill, damaged=damaged)
    potential["late"] = promise.late[order]
    potential["orders_before"] = _before(orders.customer_id, promise.made)[order]
    late_before = _before(orders.customer_id, promise.late)[order]
    potential["late_share_before"] = late_before / np.maximum(potential.orders_before, 1)
    potential = potential.assign(score=score, score_on_time=on_time, score_complete=complete)
    potential["score_undamaged"] = undamaged
    other = level[:, None] + rng.normal(0, 1.2, (n, 3))  # on_time, product, felt_personal
    other[:, 0] += 0.6 - 1.2 * (days > 0) - 2.6 * np.sqrt(days)
    other[:, 2] += 1.2 * (group >= 3) - 1.4
    return potential, effects, np.column_stack([invited, np.clip(np.rint(other), 0, 10).astype(int)])


def _class(score: np.ndarray) -> np.ndarray:
    return (score >= 9).astype(int) - (score <= 6)


def group_result(who, orders, lines, ship, work) -> pd.DataFrame:
    rate = np.array([rate for rate, _ in POOLS.values()])[work.department]
    gain = (lines.net_revenue - lines.cost_of_goods) * ~orders.cancelled[lines.order_id]
    result = pd.DataFrame(index=list(GROUPS))
    result["orders"] = np.bincount(orders.group[~orders.cancelled])
    result["margin"] = np.bincount(orders.group[lines.order_id], gain)
    result["freight"] = np.bincount(orders.group[ship.order_id], ship.freight_cost)
    result["work"] = np.bincount(who.group[work.customer_id], work.seconds / 60 * rate)
    result["result"] = result.margin - result.freight - result.work
    return result


def surveys(rng, orders, potential, answers, share: float, nonresponse: str) -> Columns:
    """Invitations by item; who answers depends on the history, or on the score too."""
    invited = answers[:, 0]
    asked = np.flatnonzero((rng.random(len(invited)) < share) & (invited < EXTRACT))
    asked = asked[np.argsort(invited[asked], kind="stable")]
    one, n, invited = potential.iloc[asked], len(asked), invited[asked]
    pull = (0.4 * np.log1p(one.orders_before) - 2.5 * one.late_share_before).to_numpy()
    if nonresponse == "score":
        pull = pull + 0.35 * (one.score.to_numpy() - 7)
    low, high = -12.0, 12.0
    for _ in range(50):  # the constant that makes 35 % answer
        middle = (low + high) / 2
        many = (1 / (1 + np.exp(-pull - middle))).mean() > 0.35
        low, high = (low, middle) if many else (middle, high)
    answered, quick = rng.random(n) < 1 / (1 + np.exp(-pull - low)), rng.random(n) < 0.7
    wait = np.where(quick, rng.uniform(0.01, 4.9, n), 5 + rng.exponential(2, n))
    at = np.where(answered, invited + (wait * DAY).astype(int), NEVER)
    reminded = np.where(answered & quick, NEVER, invited + 5 * DAY)
    scores = np.column_stack([one.score, answers[asked, 1:]])
    skipped = (rng.random(scores.shape) < 0.04) & (np.arange(len(ITEMS)) > 0)
    scores = np.where(skipped | (at >= EXTRACT)[:, None], -1, scores)
    why = np.select([one.days_late > 0, one.fill < 1, one.damaged], [0, 1, 2], 3)
    said = np.where((scores[:, 0] >= 0) & (scores[:, 0] <= 6) & (rng.random(n) < 0.4), why, -1)
    order, k = one.order.to_numpy(), len(ITEMS)
    rows = Columns(response_id=np.arange(n), order_id=order, customer_id=orders.customer_id[order])
    rows.invited_at, rows.reminded_at, rows.answered_at = invited, reminded, at
    rows = Columns(**{name: np.repeat(column, k) for name, column in vars(rows).items()})
    rows.item, rows.score, rows.scale = np.tile(np.arange(k), n), scores.ravel(), np.zeros(k * n, int)
    rows.comment = np.where(rows.item == 0, np.repeat(said, k), -1)
    return rows


# -- the other tables ------------------------------------------------------------------------


def customer_spans(rng, who) -> Columns:
    n, home = len(who.group), who.group < 2
    later = np.flatnonzero(who.moved < NEVER)
    row = np.append(np.arange(n), later)
    place = (np.arange(len(row)) >= n).astype(int)
    spans = Columns(customer_id=row, type=_G.type.astype(int)[who.group[row]])
    spans.joined_on = MONDAY + who.joined[row]
    spans.channel, spans.region = _draw(rng, _G.channel, who.group)[row], who.region[place, row]
    spans.latitude, spans.longitude = who.latitude[place, row], who.longitude[place, row]
    spans.country = (spans.region != 2).astype(int)
    spans.postcode = pa.array(rng.integers(1000, 9999, len(row))).cast(pa.string())
    born = np.clip(rng.normal(np.where(who.group == 0, 1984, 1977), 13), 1930, 2007).astype(int)
    people = np.where(who.group == 1, rng.integers(3, 6, n), rng.integers(1, 3, n))
    known = (np.where(home, x, -1)[row] for x in (born, people, rng.random(n) < 0.7))
    spans.birth_year, spans.household_size, spans.has_card = known
    spans.profiling_consent = who.consent[row]
    spans.valid_from = np.where(place, who.moved[row], clock(who.joined[row]))
    spans.valid_to = np.where(place, NEVER, who.moved[row])
    return spans


def agreements(rng, who) -> tuple[Columns, Columns, Columns]:
    """Agreements by term, requests, receiving windows: of businesses and wholesale, by their need."""
    held = np.flatnonzero(who.agreement >= 0)
    shares = np.array([share for _, share, _ in TERMS.values()]).T[who.need[held]]
    row, term = np.nonzero(rng.random(shares.shape) < shares)
    terms = Columns(agreement_id=who.agreement[held[row]], customer_id=held[row], term=term, department=term)
    terms.value = 3 * term + rng.integers(0, 3, len(term))
    terms.valid_from, terms.valid_to = (edge[held[row]] for edge in who.agreed)
    account = np.flatnonzero(who.need >= 0)
    asks = Columns(customer_id=np.repeat(account, rng.poisson(1.3, len(account))))
    day = rng.integers(who.began[asks.customer_id], _DAYS)
    asks.requested_at = clock(day) + rng.integers(8, 18, len(day)) * 3600
    asks.request_type = asks.text = _draw(rng, np.array(_REQUEST_SHARE), who.need[asks.customer_id])
    asks = _timely(asks, "requested_at")
    asks.request_id = np.arange(len(asks.text))
    docks = np.flatnonzero(who.group >= 3)
    windows = Columns(customer_id=np.repeat(docks, 5), weekday=np.tile(np.arange(5), len(docks)))
    windows.opens = np.repeat(rng.integers(6, 10, len(docks)) * 3600, 5)
    windows.closes = windows.opens + np.where(who.need[windows.customer_id] == 0, 2, 7) * 3600
    windows.valid_from = clock(who.joined[windows.customer_id])
    return terms, asks, windows


def demand(rng, who, orders, lines, shelf, sizes: Columns) -> tuple[Columns, Columns]:
    """Weekly stock (see ``shelves``); wishes for the first products, and what came of them."""
    shop, product, week = (axis.ravel() for axis in np.indices(shelf.left.shape))
    stock = Columns(site_id=SHOPS[shop], product_id=product, day=MONDAY + 7 * week, on_hand=shelf.left.ravel())
    stock = Columns(**{name: column[week < _DAYS // 7 + 1] for name, column in vars(stock).items()})
    wish = np.repeat(np.arange(len(WISHES)), rng.poisson(np.array(WISHES) * sizes.scale * _DAYS))
    n, ranged = len(wish), wish < 4
    day, shop = rng.integers(0, _DAYS, n), rng.integers(0, len(SHOPS), n)
    old = np.flatnonzero((who.group < 2) & (who.joined < 0))
    person = np.where(rng.random(n) < 0.1, -1, rng.choice(old, n))
    at = clock(day) + (np.clip(rng.normal(19, 3, n), 0, 23.9) * 3600).astype(int)
    missed = ranged & (at >= shelf.out_from[shop, np.minimum(wish, 3), (day + 6) // 7])
    outcome = np.select([~ranged, missed & (rng.random(n) < 0.4), missed], [1, 2, 3], 0)
    bought = np.flatnonzero((orders.fulfilment[lines.order_id] == _HOME) & (lines.product_id > 3))
    bought = rng.choice(bought, int(25_000 * sizes.scale), replace=False)
    order, none = lines.order_id[bought], np.full(len(bought), -1)
    rows = [(person, np.where(ranged, wish, -1), np.where(ranged, -1, wish - 4), SHOPS[shop], outcome, at)]
    rows += [(orders.customer_id[order], lines.product_id[bought], none, orders.site_id[order], 0 * none)]
    rows[1] += (orders.ordered_at[order] - 120,)
    wishes = _timely(_rows("customer_id product_id term site_id outcome occurred_at", rows), "occurred_at")
    wishes.intent_id, n = np.arange(len(wishes.term)), len(wishes.term)
    wishes.substitute_product_id = np.where(wishes.outcome == 2, rng.integers(4, sizes.products, n), -1)
    return stock, wishes


def receipts(rng, sizes: Columns) -> Columns:
    """Every maker fills warehouse and plant, the warehouse each store."""
    maker = np.append(np.repeat(np.arange(_MAKERS), 2), np.full(12, _MAKERS))
    site = np.append(np.tile([12, 13], _MAKERS), np.arange(12))
    each = 7 if sizes.scale == 1 else 28
    day, lane = (axis.ravel() for axis in np.indices((_DAYS // each, len(site))))
    day, maker, n = day * each + lane % 5, maker[lane], len(day)
    weak = ((maker == WEAK) & (day >= WEAK_DAY)).astype(int)
    ordered = clock(day) + 9 * 3600 + lane * 60
    due = ordered + np.where(maker == _MAKERS, 2, 8) * DAY
    late = rng.random(n) < np.array(WEAK_LATE)[weak]
    received = due + np.where(late, rng.uniform(1, 6, n) * DAY, -rng.uniform(0, 8, n) * 3600).astype(int)
    counts = rng.integers(4, 13, n)
    lines = Columns(purchase_order_id=np.repeat(np.arange(n), counts))
    of, n = lines.purchase_order_id, counts.sum()
    lines.line_no = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    lines.supplier_id, lines.site_id = maker[of], site[lane[of]]
    lines.ordered_at, lines.promised_at, lines.received_at = ordered[of], due[of], received[of]
    own = rng.integers(0, sizes.products // _MAKERS, n) * _MAKERS + maker[of]
    lines.product_id = np.where(maker[of] == _MAKERS, rng.integers(0, sizes.products, n), own)
    lines.quantity_ordered = pieces = rng.integers(2, 40, n) * 6
    short = rng.random(n) < np.array(WEAK_SHORT)[weak[of]]
    came = np.where(short, np.floor(pieces * rng.uniform(0.3, 0.9, n)).astype(int), pieces)
    lines.quantity_received = np.where(lines.received_at < EXTRACT, came, -1)
    return lines


def sites() -> Columns:
    number = np.arange(len(SITES))
    rows = Columns(site_id=number, kind=(number >= 12).astype(int), region=_SITE_REGION)
    rows.latitude, rows.longitude = _LATITUDE[_SITE_REGION], _LONGITUDE[_SITE_REGION]
    return rows


# -- times ------------------------------------------------------------------------------------


def clock(day: np.ndarray) -> np.ndarray:
    """Midnight at the begin of the company's days."""
    return (MONDAY + np.asarray(day)) * DAY


def when(seconds: np.ndarray, *, plan: bool = False) -> pa.Array:
    """Instants of times on the clock; those that had not come at the extract are empty, unless planned."""
    empty = seconds >= (NEVER if plan else EXTRACT)
    local = pa.array(np.where(empty, 0, seconds).astype("datetime64[s]"), mask=empty)
    instants = pc.assume_timezone(local, ZONE, ambiguous="earliest", nonexistent="latest")
    return instants.cast(pa.timestamp("us", "UTC"))
