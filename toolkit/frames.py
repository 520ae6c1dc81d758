"""What do the contract tables say of one period, as it was known? The only code that reads tables."""

import ast
import hashlib
import importlib
import itertools
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, reduce
from operator import and_
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from ibis import Deferred

from toolkit import company as companies
from toolkit import stats
from toolkit.company import GRID_DIMENSIONS, Company, Period, pseudonym
from toolkit.contract import LOST_ANSWER_DAYS, TABLES
from toolkit.errors import DataError, ParamsError, nearest
from toolkit.rules import DISCIPLINES, CostRules, Floor, Policies, Promise, Target, declared
from toolkit.warehouse import Warehouse, admitted, reading, receipt_path

NO_ORDER = "(no order)"
FRAMES_VARIABLE = "TOOLKIT_FRAMES"
KEY_FIGURES = "key_figures"
MUCH_WORK = 5_000_000  # activities
FEW_ORDERS = 1_000_000  # that fit into memory beside all else
_BITS = 62  # of a whole number that every backend shifts and ands alike
CAUSE_FIGURE = "nps_lost_cause_"  # then the treatment: key figures of what a cause takes
_COST_TABLES = {"activities": "happened_at", "deliveries": "shipped_at", "ledger": "month", "resource_pools": "month"}
_SUMS_BEFORE = ("n_orders", "n_lines", "net_revenue", "cost_of_goods", "payment_fee", "freight", "unpriced", "unknown")
_CODED = ("work",)  # frames whose text stays codes on disk and in memory: one row a customer and activity
_PERSON_COLUMNS = ("customer_id", "person")
_NOWHERE, _OTHERS = ((name,) * len(GRID_DIMENSIONS) for name in (stats.UNKNOWN, stats.OTHER))
_OWN = (ibis._.customer_id.notnull(),)  # work that names its own customer, beside an order's
_VIEWS = itertools.count()
_ALWAYS, _NEVER = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Kept:
    """A frame on disk: its file, the digest of its values, its rows."""

    name: str
    path: Path
    digest: str
    rows: int


class Known:
    """A company's tables as they were known at a period's ``as_of``, and the frames made of them.

    Rows that became known later are not there; times later than ``as_of`` are empty, and
    so is every value that is known only with them. Each public method is one frame: an
    Ibis expression whose docstring says what one row is.
    """

    def __init__(self, company: Company, period: Period, warehouse: Warehouse | None = None):
        self.company, self.period = company, period
        if warehouse:
            self.warehouse = warehouse
        self._kinds: dict[Period, ir.Table] = {}
        self._views: dict[str, ir.Table] = {}

    @cached_property
    def warehouse(self) -> Warehouse:
        """The company's tables, opened when one is first asked for."""
        return Warehouse(self.company)

    @property
    def _local(self) -> bool:
        return self.company.settings.warehouse == "local"

    # -- what was known ----------------------------------------------------------------------

    def table(self, name: str) -> ir.Table:
        """A contract table with nothing in it that was not known at ``as_of``."""
        return self._view(name, lambda: self._as_known(name, self.warehouse.table(name)))

    def _view(self, name: str, made: Callable[[], ir.Table]) -> ir.Table:
        """What many frames begin with, made once; in the local warehouse a view, so that it is compiled once as well.

        Where there are few orders, they and what is made of them are kept in memory. A company's own warehouse gets
        nothing of ours.
        """
        if name not in self._views:
            found = made()
            if self._local and (name not in TABLES or self.warehouse.has(name)):
                called, backend = f"_{next(_VIEWS)}_{name}", self.warehouse.backend
                if self._few_orders and (name not in TABLES or name == "orders"):
                    found = backend.create_table(called, found, temp=True)
                else:
                    found = backend.create_view(called, found)
            self._views[name] = found
        return self._views[name]

    def _as_known(self, name: str, table: ir.Table) -> ir.Table:
        contract = TABLES[name]
        as_of = _instant(self.period.as_of)
        if contract.known_at == "orders.ordered_at":
            table = table.filter(table.order_id.isin(self.table("orders").order_id))
        elif contract.known_at:
            column = table[contract.known_at]
            limit = ibis.literal(self.period.as_of.date()) if column.type().is_date() else as_of
            table = table.filter(column.isnull() | (column < limit))
            if "order_id" in contract.names and name != "orders":  # what is said of an order is not known before it
                orders = self.warehouse.table("orders")
                table = table.anti_join(orders.filter(orders.ordered_at >= as_of), "order_id")
        if name == "surveys":
            lost = table.score.notnull() & table.answered_at.isnull()
            late_count = table.invited_at + ibis.interval(days=LOST_ANSWER_DAYS)
            table = table.mutate(answered_at=ibis.ifelse(lost, late_count, table.answered_at))
        happened = {
            column.name: ibis.ifelse(table[column.name] < as_of, table[column.name], None)
            for column in contract.columns
            if column.type == "timestamp" and not column.plan and column.name != contract.known_at
        }
        with_them = {
            column.name: ibis.ifelse(table[column.known_with] < as_of, table[column.name], None)
            for column in contract.columns
            if column.known_with
        }
        return table.mutate(**happened, **with_them) if happened or with_them else table

    def _seconds(self, end: ir.Value, begin: ir.Value) -> ir.Value:
        """Seconds from one instant to another, whatever clocks did between them.

        DuckDB's epoch, and differences of the others, are those of local clocks: an hour off where one was put forward.
        """
        if self.warehouse.backend.name == "duckdb":
            return end.delta(begin, unit="second")
        return end.truncate("s").epoch_seconds().cast("int64") - begin.truncate("s").epoch_seconds().cast("int64")

    def _spans(self) -> ir.Table:
        """Customers by span, bounds never empty."""
        spans = self.table("customers")
        return spans.mutate(
            valid_from=ibis.coalesce(spans.valid_from, _instant(_ALWAYS)),
            valid_to=ibis.coalesce(spans.valid_to, _instant(_NEVER)),
        )

    def _frozen_segments(self) -> ir.Table:
        """Each customer's segment on the first day of the year, or as first known of who came later; and consent.

        Consent to profiling is the newest that is known: who has refused by ``as_of`` is in no segment.
        """
        return self._view("frozen_segments", self._frozen)

    def _frozen(self) -> ir.Table:
        spans, year = self._spans(), self.period.start.replace(month=1, day=1)
        newest = spans.mutate(_row=ibis.row_number().over(group_by="customer_id", order_by=spans.valid_from.desc()))
        newest = newest.filter(newest._row == 0).select(_member="customer_id", _consent="profiling_consent")
        spans = spans.filter(spans.valid_to > _instant(year))
        first = spans.mutate(_row=ibis.row_number().over(group_by="customer_id", order_by="valid_from"))
        segment = first[self.company.settings.segment].cast("string")
        first = first.filter(first._row == 0).select(_who="customer_id", _segment=segment)
        return newest.left_join(first, newest._member == first._who).drop("_who")

    def _of_segments(self, rows: ir.Table) -> ir.Table:
        """Rows with their customer's segment of the year: "(other)" of who has refused profiling."""
        people = self._frozen_segments()
        rows = rows.left_join(people, rows.customer_id == people._member)
        refused = rows._consent.fill_null(True) == False  # noqa: E712 - an expression
        segment = ibis.ifelse(refused, stats.OTHER, rows._segment.fill_null(stats.UNKNOWN))
        return rows.mutate(segment=segment).drop("_member", "_segment", "_consent")

    def _places(self, orders: ir.Table) -> ir.Table:
        """Orders with their customer's segment of the year, and channel and region when they were placed, unmerged."""
        orders, spans = orders.view(), self._spans()  # a view: what comes in may be a join itself
        spans = spans.select(_customer="customer_id", _from="valid_from", _to="valid_to", region="region")
        placed = orders.left_join(
            spans,
            [
                orders.customer_id == spans._customer,
                spans._from <= orders.ordered_at,
                orders.ordered_at < spans._to,
            ],
        )
        segments = self._frozen_segments()
        placed = placed.left_join(segments, placed.customer_id == segments._member)
        known = {"segment": placed._segment, "channel": placed.channel, "region": placed.region}
        if self.company.settings.segment == "region":  # else who moves would make a cell of few in each pair of places
            known["region"] = placed._segment
        refused = placed._consent.fill_null(True) == False  # noqa: E712 - an expression
        merged = {
            name: ibis.ifelse(refused, stats.OTHER, value.fill_null(stats.UNKNOWN)) for name, value in known.items()
        }
        return placed.mutate(**merged).drop("_customer", "_from", "_to", "_consent", "_segment", "_member")

    @cached_property
    def grid(self) -> pd.DataFrame:
        """The publication grid: each cell of segment, channel, region and the atom it is published in.

        Made once a year, of what happened in the year's first quarter (in the period itself
        where that is shorter or holds nothing), then merged further where this period holds too few.
        """
        dimensions, published = list(GRID_DIMENSIONS), [f"published_{name}" for name in GRID_DIMENSIONS]
        start = self.period.start
        first = Period("", start.replace(month=1, day=1), start.replace(month=4, day=1), self.period.as_of)
        own = self._contributions(self.period)
        as_own = self.period.end < first.end or (self.period.start, self.period.end) == (first.start, first.end)
        first_quarter = own if as_own else self._contributions(first)
        yearly = self._merged(first_quarter if len(first_quarter) else own)
        placed = own.merge(yearly, how="left", on=dimensions)
        for name, label in zip(dimensions, published, strict=True):  # a cell that is new this year stands for itself
            placed[label] = placed[label].where(placed[label].notna(), placed[name])
        cells = placed[dimensions + published].drop_duplicates()
        atoms = placed.drop(columns=dimensions).rename(columns=dict(zip(published, dimensions, strict=True)))
        final = self._merged(atoms).rename(columns={name: f"_{name}" for name in dimensions})
        grid = cells.merge(final, how="left", left_on=published, right_on=[f"_{name}" for name in dimensions])
        grid = grid[dimensions + [f"{label}_y" for label in published]]
        grid = grid.rename(columns={f"{label}_y": label for label in published})
        return grid.fillna(stats.OTHER).sort_values(dimensions, ignore_index=True)

    def _merged(self, contributions: pd.DataFrame) -> pd.DataFrame:
        settings = self.company.settings
        return stats.publication_grid(
            contributions,
            dimensions=GRID_DIMENSIONS,
            min_n=settings.min_n,
            max_share=settings.max_contributor_share,
        )

    def _contributions(self, span: Period) -> pd.DataFrame:
        """Persons behind revenue, freight and work of a span, by cell: what reports publish sums of."""
        orders = self._placed_in(span)
        orders = orders.filter(orders.cancelled_at.isnull())
        lines = self._lines_of(orders)
        revenue = lines.group_by("order_id").agg(amount=lines.net_revenue.sum())
        orders = self._places(orders).left_join(revenue, "order_id")
        sent = self._places(self._sent_in(span))
        work = self._work_by_place(span) if self._much_work else self._work_places(span)
        measured = [
            (orders, orders.amount, "revenue"),
            (sent, sent.freight_cost, "freight"),
            (work, work.seconds, "work"),
        ]
        run, parts = self.warehouse.backend.to_pyarrow, []
        for rows, amount, measure in measured:  # one after the other: together they would need their memory at once
            sums = rows.group_by([*GRID_DIMENSIONS, "customer_id"]).agg(amount=amount.sum().fill_null(0).cast("int64"))
            parts.append(run(sums).to_pandas().assign(measure=measure))
        found = pd.concat(parts)
        found = found.rename(columns={"customer_id": "person"}).fillna({"person": stats.UNKNOWN})
        found["amount"] = found["amount"].clip(lower=0)
        return found.sort_values([*GRID_DIMENSIONS, "measure", "person"], ignore_index=True)

    def _placed_in(self, span: Period) -> ir.Table:
        orders = self.table("orders")
        return orders.filter(*_in(span, orders.ordered_at))

    def _lines_of(self, orders: ir.Table) -> ir.Table:
        """Lines of some orders: those of all years are many, and would be added up before orders leave them out."""
        return self.table("order_lines").semi_join(orders, "order_id")

    def _published(self, orders: ir.Table) -> ir.Table:
        """Orders with segment, channel and region of the publication grid."""
        return _relabelled(self._places(orders), self.grid)

    def _shipments(self, of: ir.Table | None = None) -> ir.Table:
        """One row an order (``of`` some) with shipments: promise, arrival, lateness, freight, weight, distance."""
        if of is None:
            return self._view("shipments", lambda: self._sent(self._billed))
        return self._sent(self._billed.semi_join(of, "order_id"))

    def _sent(self, rows: ir.Table) -> ir.Table:
        as_of = _instant(self.period.as_of)
        seen = ibis.coalesce(rows.delivered_at, as_of)
        by_day = rows.delivered_at.date() > rows.promised_by.date()
        overdue_by_day = ibis.literal(self.period.as_of.date()) > rows.promised_by.date()
        rows = rows.mutate(
            _late=(seen > rows.promised_by).fill_null(False),
            _late_by_day=ibis.ifelse(rows.delivered_at.isnull(), overdue_by_day, by_day).fill_null(False),
        )
        return rows.group_by("order_id").agg(
            n_shipments=rows.count(),
            n_arrived=rows.delivered_at.count(),
            promised_from=rows.promised_from.min(),
            promised_by=rows.promised_by.max(),
            carrier=rows.carrier.max(),
            n_carriers=rows.carrier.nunique(),
            site=rows.from_site_id.max(),
            n_sites=rows.from_site_id.nunique(),
            last_arrival=rows.delivered_at.max(),
            first_handover=rows.shipped_at.min(),
            late=rows._late.any(),
            late_by_day=rows._late_by_day.any(),
            freight=rows.freight_cost.sum(),
            weight_g=ibis.ifelse(rows.weight_g.count() == rows.count(), rows.weight_g.sum(), None),
            distance_m=ibis.ifelse(rows.distance_m.count() == rows.count(), rows.distance_m.max(), None),
        )

    @property
    def _billed(self) -> ir.Table:
        return self._view("billed", self._bearing)

    def _bearing(self) -> ir.Table:
        """Deliveries with the freight that they bear: their own charge, their share of an invoice, or the tariff.

        An invoice of which a delivery has no charge of its own is shared, to the cent, by ``shared_by`` of
        ``cost.yaml`` (equally where that is not known of all of them). Without either, and if the ledger posts no
        freight, by the declared tariff, an assumption.
        """
        rows, rule = self.table("deliveries"), self.cost_rules.freight
        run = self.warehouse.backend.to_pyarrow
        open_ = rows.filter(rows.freight_cost.isnull())
        if run(open_.filter(open_.freight_invoice_id.notnull()).count()).as_py():
            one = {"weight": rows.weight_g, "distance": rows.distance_m, "shipments": ibis.literal(1)}
            one["weight_distance"] = rows.weight_g * rows.distance_m // 1_000_000
            if rule.shared_by == "volume":
                goods = self.table("products").select("product_id", "volume_ml")
                lines = self.table("order_lines").inner_join(goods, "product_id")
                lines = lines.mutate(_ml=lines.volume_ml * lines.quantity_ordered)
                sizes = lines.group_by("order_id").agg(
                    _ml=ibis.ifelse(lines._ml.count() == lines.count(), lines._ml.sum(), None)
                )
                rows = rows.left_join(sizes, "order_id").drop("order_id_right")
                one["volume"] = rows._ml
            rows = rows.mutate(_key=one[rule.shared_by].cast("int64"))
            of = ibis.window(group_by="freight_invoice_id")
            whole = rows._key.count().over(of) == rows.count().over(of)
            rows = rows.mutate(
                _shared=rows.freight_invoice_id.notnull()
                & (rows.freight_cost.count().over(of) < rows.count().over(of)),
                _total=rows.freight_cost.sum().over(of),
                _key=ibis.ifelse(whole & (rows._key.sum().over(of) > 0), rows._key, 1),
            )
            product = rows._total * rows._key
            rows = rows.mutate(_part=product // rows._key.sum().over(of), _left=product % rows._key.sum().over(of))
            place = ibis.row_number().over(
                ibis.window(group_by="freight_invoice_id", order_by=[ibis.desc(rows._left), rows.delivery_id])
            )
            part = rows._part + ibis.ifelse(place < rows._total - rows._part.sum().over(of), 1, 0)
            rows = rows.mutate(freight_cost=ibis.ifelse(rows._shared, part, rows.freight_cost))
            rows = rows.drop(*[name for name in rows.columns if name.startswith("_")])
        postings = self.table("ledger")
        if rule.tariff and not run(postings.filter(postings.pool == "freight").count()).as_py():
            kilos, far = rows.weight_g / 1000, rows.distance_m / 1000
            cents = ibis.literal(float(rule.tariff.cents_per_shipment))
            cents = cents + (kilos * rule.tariff.cents_per_kg if rule.tariff.cents_per_kg else 0)
            cents = cents + (far * rule.tariff.cents_per_km if rule.tariff.cents_per_km else 0)
            rows = rows.mutate(freight_cost=ibis.coalesce(rows.freight_cost, _rounded(cents)))
        return rows

    def _fees(self) -> ir.Table:
        """One row an order with payments of a kind that ``cost.yaml`` assumes a rate for: payment_fee (cents)."""
        paid, rates = self.table("payments"), self.cost_rules.payments
        paid = paid.filter(paid.kind.isin(list(rates)))
        each = [
            (paid.kind == kind, (paid.amount * rate.per_mille + 500) // 1000 + rate.cents)
            for kind, rate in rates.items()
        ]
        fee = ibis.cases(*each, else_=0) if each else ibis.literal(0)
        paid = paid.mutate(_fee=fee.cast("int64"))
        return paid.group_by("order_id").agg(payment_fee=paid._fee.sum())

    # -- frames ------------------------------------------------------------------------------

    def orders(self) -> ir.Table:
        """One row an order placed in the period (cohort *orders*).

        order_id, customer_id, ordered_at; segment, channel, region on the publication grid;
        fulfilment, order_class (rush, or by lines), cancelled (by as_of); n_lines, quantity (pieces), net_revenue and
        cost_of_goods (cents; empty unless known for every line); n_shipments, freight
        (cents), weight_g, distance_m (the farthest shipment; both empty unless known for all); payment_fee (cents, as
        assumed in ``cost.yaml``).
        """
        placed = self._placed_in(self.period)
        lines = self._lines_of(placed)
        sums = lines.group_by("order_id").agg(
            n_lines=lines.count(),
            quantity=lines.quantity_ordered.sum(),
            net_revenue=lines.net_revenue.sum(),
            cost_of_goods=ibis.ifelse(lines.cost_of_goods.count() == lines.count(), lines.cost_of_goods.sum(), None),
        )
        sent = self._shipments(placed).select("order_id", "n_shipments", "freight", "weight_g", "distance_m")
        orders = self._published(placed).left_join(sums, "order_id").drop("order_id_right")
        orders = orders.left_join(sent, "order_id").drop("order_id_right").left_join(self._fees(), "order_id")
        zero = {name: orders[name].fill_null(0) for name in ("n_lines", "quantity", "n_shipments", "payment_fee")}
        revenue = ibis.ifelse(orders.n_lines.isnull(), 0, orders.net_revenue)
        more = {"net_revenue": revenue, "cancelled": orders.cancelled_at.notnull(), "order_class": _order_class(orders)}
        return orders.mutate(**zero, **more).select(
            "order_id", "customer_id", "ordered_at", *GRID_DIMENSIONS, "fulfilment", "order_class", "cancelled",
            "n_lines", "quantity", "net_revenue", "cost_of_goods", "n_shipments", "freight", "weight_g", "distance_m",
            "payment_fee",
        )  # fmt: skip

    def order_service(self) -> ir.Table:
        """One row an order with a promise that fell due in the period (cohort *service*).

        order_id, customer_id; segment, channel, region on the grid; fulfilment; ordered_at,
        promised_by, delivered_at (all of it arrived; else empty); cancelled, arrived (all of
        it); late (any shipment after its promise, or not there at as_of), late_by_day (the
        same by calendar day); delay_s (arrival or as_of minus promise, seconds); cycle_s (arrival or as_of
        minus the order, seconds), early (all there before the promised window; empty without its begin),
        in_window (did every arrival fall into a receiving window of its customer? empty where none is on record),
        carrier ("(several)" if they differ). Where delivery lines are known, else empty: n_lines,
        n_lines_in_full, n_lines_perfect (in full, in time, undamaged, papers not wrong), quantity_ordered,
        quantity_delivered (pieces of what was ordered, arrived by as_of).
        """
        rows = self.table("deliveries")
        near = rows.filter(*_in(self.period, rows.promised_by))  # an order is due with its last shipment, one of these
        sent = self._shipments(near)
        due = sent.filter(*_in(self.period, sent.promised_by))
        orders = self._published(self.table("orders").semi_join(due, "order_id"))
        served = orders.inner_join(due, "order_id")
        arrived = served.n_arrived == served.n_shipments
        delivered_at = ibis.ifelse(arrived, served.last_arrival, None)
        until = ibis.coalesce(delivered_at, _instant(self.period.as_of))
        return served.mutate(
            delivered_at=delivered_at,
            arrived=arrived,
            cancelled=served.cancelled_at.notnull(),
            delay_s=self._seconds(until, served.promised_by),
            cycle_s=self._seconds(until, served.ordered_at),
            early=ibis.ifelse(
                served.promised_from.isnull(), None, (delivered_at < served.promised_from).fill_null(False)
            ),
            carrier=ibis.ifelse(served.n_carriers > 1, "(several)", served.carrier),
        ).left_join(self._filled(near), "order_id").drop("order_id_right").left_join(
            self._received(near), "order_id"
        ).drop("order_id_right").select(
            "order_id", "customer_id", *GRID_DIMENSIONS, "fulfilment", "ordered_at", "promised_by", "delivered_at",
            "cancelled", "arrived", "late", "late_by_day", "delay_s", "cycle_s", "early", "in_window", "carrier",
            "n_lines", "n_lines_in_full", "n_lines_perfect", "quantity_ordered", "quantity_delivered",
        )  # fmt: skip

    def _filled(self, of: ir.Table) -> ir.Table:
        """One row an order ``of`` some of which every arrived shipment has lines on record: what arrived, how."""
        told = self._filled_lines(of)
        return told.group_by("order_id").agg(
            n_lines=told.count(),
            n_lines_in_full=told.full.sum(),
            n_lines_perfect=(told.full & ~told.fault).sum(),
            n_lines_damaged=told.broken.sum(),
            quantity_ordered=told.quantity_ordered.sum(),
            quantity_delivered=told.arrived.sum(),
        )

    def _filled_lines(self, of: ir.Table) -> ir.Table:
        """One row a line of the orders of ``_filled``: what of it arrived by as_of, how.

        Lines of a shipment count from its arrival on: whether those still to come are on record says nothing today.
        Of an order nothing of which has arrived it is known that nothing has, if any lines of the company are on
        record; else the overdue ones, the worst, would be in no share.
        """
        sent, lines = self.table("deliveries").semi_join(of, "order_id"), self._lines_of(of)
        parts = every = self.table("delivery_lines")
        sent = sent.filter(sent.delivered_at.notnull()).select(
            "order_id",
            _delivery="delivery_id",
            _late=(sent.delivered_at > sent.promised_by).fill_null(False),
            _wrong=(~sent.documents_ok).fill_null(False),
        )
        untold = sent.anti_join(parts, sent._delivery == parts.delivery_id)
        parts = parts.inner_join(sent.drop("order_id"), parts.delivery_id == sent._delivery)
        told = lines.anti_join(untold, "order_id").filter(every.count().as_scalar() > 0)
        parts = parts.group_by(["order_id", "line_no"]).agg(
            arrived=parts.quantity_delivered.sum(),
            broken=(parts.damaged.fill_null(0) > 0).any(),
            late=parts._late.any(),
            wrong=parts._wrong.any(),
        )
        parts = parts.rename(_order="order_id", _line="line_no")
        told = told.left_join(parts, [told.order_id == parts._order, told.line_no == parts._line])
        arrived = ibis.least(told.arrived.fill_null(0), told.quantity_ordered)
        return told.select(
            "order_id",
            "product_id",
            "quantity_ordered",
            arrived=arrived,
            full=arrived >= told.quantity_ordered,
            broken=told.broken.fill_null(False),
            fault=told.broken.fill_null(False) | told.late.fill_null(False) | told.wrong.fill_null(False),
        )

    def _received(self, of: ir.Table) -> ir.Table:
        """One row an order (``of`` some) with arrivals, its customer's receiving windows on record: ``in_window``."""
        windows, orders = self.table("receiving_windows"), self.table("orders")
        sent = self.table("deliveries").semi_join(of, "order_id")
        sent = sent.inner_join(orders.select("order_id", _who="customer_id"), "order_id")
        sent = sent.filter(sent.delivered_at.notnull()).select("order_id", "delivery_id", "_who", at="delivered_at")
        pairs = sent.inner_join(windows, sent._who == windows.customer_id)
        valid = (pairs.valid_from.isnull() | (pairs.valid_from <= pairs.at)) & (
            pairs.valid_to.isnull() | (pairs.at < pairs.valid_to)
        )
        clock = pairs.at.hour() * 60 + pairs.at.minute()
        told = (pairs[name].cast("string") for name in ("opens", "closes"))  # "HH:MM", which is all that Spark knows
        opens, closes = (time.substr(0, 2).cast("int64") * 60 + time.substr(3, 2).cast("int64") for time in told)
        fits = (pairs.at.day_of_week.full_name().lower() == pairs.weekday) & (opens <= clock) & (clock <= closes)
        pairs = pairs.filter(valid).mutate(_fits=fits)
        arrivals = pairs.group_by(["order_id", "delivery_id"]).agg(_kept=pairs._fits.any())
        return arrivals.group_by("order_id").agg(in_window=arrivals._kept.all())

    def ways(self) -> ir.Table:
        """One row an order placed in the period or the one before, not cancelled by as_of: ways of acquiring.

        order_id, customer_id, fulfilment, in_period, net_revenue (cents; empty where prices are not known),
        known_before (the customer ordered before the period), way_before (by this way).
        """
        before = self._before.period
        start, first, end = _instant(self.period.start), _instant(before.start), _instant(self.period.end)
        orders, lines = self.table("orders"), self.table("order_lines")
        orders = orders.filter(orders.cancelled_at.isnull() & (orders.ordered_at < end))
        orders = orders.mutate(fulfilment=orders.fulfilment.fill_null(stats.UNKNOWN))
        old = orders.filter(orders.ordered_at < start)
        known = old.group_by(_who="customer_id").agg(_orders=old.count())
        by_way = old.group_by(_same="customer_id", _way="fulfilment").agg(_by_way=old.count())
        revenue = lines.group_by(_order="order_id").agg(net_revenue=lines.net_revenue.sum())
        rows = orders.filter(orders.ordered_at >= first)
        rows = rows.left_join(revenue, rows.order_id == revenue._order)
        rows = rows.left_join(known, rows.customer_id == known._who)
        rows = rows.left_join(by_way, [rows.customer_id == by_way._same, rows.fulfilment == by_way._way])
        return rows.select(
            "order_id", "customer_id", "fulfilment", "net_revenue", in_period=rows.ordered_at >= start,
            known_before=rows._orders.notnull(), way_before=rows._by_way.notnull(),
        )  # fmt: skip

    def supplier_service(self) -> ir.Table:
        """One row a purchase order line promised in the period, or in the 3 times its length before.

        supplier_id, own (is it one of our sites?), purchase_order_id, line_no, site_id (where it goes), in_period,
        ordered_at; lead_s (order to receipt, or as_of, seconds), received; late (after its promise, or not there at
        as_of); quantity_ordered, quantity_received (pieces; 0 if not received, empty if received and not counted).
        """
        rows, as_of = self.table("supplier_receipts"), _instant(self.period.as_of)
        first = self.period.start - 3 * (self.period.end - self.period.start)
        rows = rows.filter((rows.promised_at >= _instant(first)) & (rows.promised_at < _instant(self.period.end)))
        sites = self.table("sites").select(_site="site_id")
        rows = rows.left_join(sites, rows.supplier_id == sites._site)
        until = ibis.coalesce(rows.received_at, as_of)
        return rows.select(
            "supplier_id", "purchase_order_id", "line_no", "site_id", "ordered_at", "quantity_ordered",
            own=rows._site.notnull(),
            in_period=rows.promised_at >= _instant(self.period.start),
            lead_s=self._seconds(until, rows.ordered_at),
            received=rows.received_at.notnull(),
            late=until > rows.promised_at,
            quantity_received=ibis.ifelse(rows.received_at.isnull(), 0, rows.quantity_received),
        )  # fmt: skip

    def invitations(self) -> ir.Table:
        """One row an invitation and item of the period, answered by as_of or not (cohort *scores*).

        response_id, item, scale; score (empty: not answered); customer_id, order_id; segment,
        channel, region (atoms that enough persons answered in; channel "(no order)" without
        one); fulfilment, ordered_at (of its order); invited_at, answered_at; exposure at the
        invitation (``in_time``, ``late``, ``overdue``: promised and not there, ``not_due``,
        ``cancelled``, ``no_promise``, ``no_order``); delay_s (arrival, or the invitation if not all had
        arrived, minus the promise, seconds; empty without one), late_s (the same, 0 if in time), wait_s (the same
        minus the order; empty without a promise); short, damaged, missing_share (pieces, 0-1; all three as arrived
        by then; empty where quantities are not known); late_in_the_end (by as_of; empty
        without a promise, and if cancelled). Known when its order was placed: rush, category (of its dearest
        line), n_lines, quantity, net_revenue (cents), orders_before (the customer's earlier orders),
        late_before (of these fallen due by then, late).
        """
        return self._invited

    @cached_property
    def _invited(self) -> ir.Table:
        """``invitations``, read once: the frame of one period is part of others."""
        asked = self._published(self._asked())
        asked = asked.cache() if self._local else asked
        answered = asked.filter(asked.score.notnull())
        persons = self.warehouse.backend.to_pyarrow(
            answered.group_by([*GRID_DIMENSIONS, "customer_id", "item", "scale"]).agg(amount=answered.count())
        ).to_pandas()
        persons = persons.rename(columns={"customer_id": "person"})
        persons["measure"] = persons["item"] + " " + persons["scale"]  # each is published by itself
        merged = self._merged(persons.sort_values([*GRID_DIMENSIONS, "measure", "person"], ignore_index=True))
        return _relabelled(asked, merged).select(
            "response_id", "item", "scale", "score", "customer_id", "order_id", *GRID_DIMENSIONS, "fulfilment",
            "ordered_at", "invited_at", "answered_at", "exposure", "delay_s", "late_s", "wait_s",
            "short", "damaged", "missing_share", "late_in_the_end", "rush", "category", "n_lines", "quantity",
            "net_revenue", "orders_before", "late_before",
        )  # fmt: skip

    def earlier_invitations(self) -> ir.Table:
        """``invitations`` of the period before this one, as known on that period's own day of knowledge.

        The columns of ``invitations``.
        """
        return self._before.invitations()

    def past_answers(self) -> ir.Table:
        """One row an answer to recommend of this period or the 7 of its length before it, known on that period's day.

        response_id, item, position (0 this period, -1 the one before), period, scale, score, customer_id.
        """
        spans = [self.period]
        for _ in range(7):
            spans.append(self.company.period(companies.previous(spans[-1].name)))
        rows = self.table("surveys")
        rows = rows.filter((rows.item == "recommend") & rows.score.notnull())
        inside = [
            (rows.invited_at >= _instant(one.start))
            & (rows.invited_at < _instant(one.end))
            & (rows.answered_at < _instant(one.as_of))
            for one in spans
        ]
        position = ibis.cases(*[(one, -place) for place, one in enumerate(inside)], else_=None)
        period = ibis.cases(*[(one, span.name) for one, span in zip(inside, spans, strict=True)], else_=None)
        rows = rows.mutate(position=position, period=period)
        columns = ["response_id", "item", "position", "period", "scale", "score", "customer_id"]
        return rows.filter(rows.period.notnull()).select(columns)

    @cached_property
    def _before(self) -> "Known":
        """What was known of the period before this one on its own day of knowledge."""
        return Known(self.company, self.company.period(companies.previous(self.period.name)), self.warehouse)

    def follow_up(self) -> ir.Table:
        """One row an answer to recommend of the period before, with what its customer bought around it.

        response_id, item, customer_id, segment, channel, region, scale, score; days (N: those of that period, so
        that each answer's N days after have ended by as_of); of orders not cancelled, placed in the N days up
        to the answer and in the N days after it: orders_to, revenue_to, margin_to, orders_after, revenue_after,
        margin_after (cents; margin: revenue less cost of goods, empty unless known for all of it).
        """
        before = self._before
        days = (before.period.end.date() - before.period.start.date()).days
        asked = before.invitations()
        asked = asked.filter((asked.item == "recommend") & asked.score.notnull() & asked.answered_at.notnull())
        lines = self.table("order_lines")
        sums = lines.group_by("order_id").agg(
            revenue=lines.net_revenue.sum(),
            margin=ibis.ifelse(
                lines.cost_of_goods.count() == lines.count(), (lines.net_revenue - lines.cost_of_goods).sum(), None
            ),
        )
        orders = self.table("orders")
        orders = orders.filter(orders.cancelled_at.isnull()).left_join(sums, "order_id")
        orders = orders.select(_who="customer_id", _at="ordered_at", _revenue="revenue", _margin="margin")
        span = ibis.interval(days=days)
        pairs = asked.left_join(
            orders,
            [
                asked.customer_id == orders._who,
                orders._at > asked.answered_at - span,
                orders._at <= asked.answered_at + span,
            ],
        )
        keys = ["response_id", "item", "customer_id", *GRID_DIMENSIONS, "scale", "score"]
        sides = {"to": pairs._at <= pairs.answered_at, "after": pairs._at > pairs.answered_at}
        found = {}
        for name, inside in sides.items():
            bought = inside.fill_null(False)
            found[f"orders_{name}"] = bought.sum()
            for money in ("revenue", "margin"):
                amount = pairs[f"_{money}"]
                whole = (bought & amount.isnull()).sum() == 0
                found[f"{money}_{name}"] = ibis.ifelse(whole, amount.sum(where=bought).fill_null(0), None)
        return pairs.group_by(keys).agg(**found).mutate(days=ibis.literal(days))

    def promises(self) -> ir.Table:
        """One row a promise of ``targets.yaml``, in its order.

        position; measure, at_least (share 0-1; nps: points); segment, channel (empty: all); felt (the survey's item
        that says whether customers notice; may be empty), felt_at_least (share of answers that are content, 0-1).
        """
        found = declared(self.company, "targets.yaml")
        rows = [{"position": position} | one.model_dump() for position, one in enumerate(found.promises)]
        schema = {"position": "int64"} | {
            name: "float64" if field.annotation is float else "string" for name, field in Promise.model_fields.items()
        }
        return ibis.memtable(rows, schema=ibis.schema(schema))

    def causes(self) -> ir.Table:
        """One row a declared cause and covariate: position, treatment, covariate, control_item, declared_later
        (after the period's first day)."""
        first = self.period.start.date()
        rows = [
            {"position": position, "treatment": one.treatment, "covariate": name, "control_item": one.control_item}
            | {"declared_later": one.valid_from > first}
            for position, one in enumerate(self.company.settings.causes)
            for name in one.covariates
        ]
        text = dict.fromkeys(["treatment", "covariate", "control_item"], "string")
        return ibis.memtable(rows, schema=ibis.schema({"position": "int64"} | text | {"declared_later": "boolean"}))

    def withdrawn_causes(self) -> ir.Table:
        """One row an effect that an archived revision told, of a treatment that base.yaml declares no more.

        treatment, period, revision; value, low, high (NPS points lost).
        """
        declared = {one.treatment for one in self.company.settings.causes}
        parts = []
        for path in sorted(self.company.reports.glob("*/r[1-9]*/figures.parquet")):
            told = pd.read_parquet(path)
            told = told[told["figure_id"].str.startswith(CAUSE_FIGURE)]
            told = told.assign(treatment=told["figure_id"].str.removeprefix(CAUSE_FIGURE))
            told = told[~told["treatment"].isin(declared)]
            parts.append(told.assign(period=path.parts[-3], revision=path.parts[-2]))
        text, numbers = ["treatment", "period", "revision"], ["value", "low", "high"]
        schema = ibis.schema(dict.fromkeys(text, "string") | dict.fromkeys(numbers, "float64"))
        return ibis.memtable(pd.concat(parts)[text + numbers] if parts else [], schema=schema)

    def decided(self) -> ir.Table:
        """One row an order and decision of ``decisions.yaml`` that it is compared for (docs/METHODS.md section 2.9).

        position (of the decision), name, starts, order_id, customer_id; inside (does the decision hold there?); span
        (placebo, before, after: the N days up to N days before its day, the N days before it, the N days from it or
        the period's first day on); late (by as_of), scale and score of its answer to recommend. Orders not cancelled,
        with a promise that fell due by as_of. Decisions of the last year only, none that begins after the period.
        """
        found = declared(self.company, "decisions.yaml")
        asked = self.table("surveys").filter(lambda rows: (rows.item == "recommend") & rows.score.notnull())
        asked = asked.group_by(_of="order_id").agg(score=asked.score.max(), scale=asked.scale.max())
        sent = self._shipments().filter(lambda rows: rows.promised_by < _instant(self.period.as_of))
        orders = self._places(self.table("orders"))
        rows = orders.filter(orders.cancelled_at.isnull()).inner_join(sent.select("order_id", "late"), "order_id")
        rows, parts = rows.left_join(asked, rows.order_id == asked._of), []
        for position, one in enumerate(found.decisions):
            day = datetime.combine(one.starts, datetime.min.time(), self.company.zone)
            first = max(day, self.period.start)
            if first >= self.period.end or day < self.period.start - timedelta(days=366):
                continue
            length = self.period.end - first
            at = rows.ordered_at
            inside, among = (
                reduce(and_, [rows[name].isin(values) for name, values in places.items()], ibis.literal(True))
                for places in (one.where, one.among)
            )
            span = ibis.cases(
                ((at >= _instant(first)) & (at < _instant(self.period.end)), "after"),
                ((at >= _instant(day - length)) & (at < _instant(day)), "before"),
                ((at >= _instant(day - 2 * length)) & (at < _instant(day - length)), "placebo"),
                else_=None,
            )
            part = rows.mutate(span=span, inside=inside, position=ibis.literal(position), name=ibis.literal(one.name))
            part = part.mutate(starts=ibis.literal(one.starts))
            columns = [
                "position",
                "name",
                "starts",
                "order_id",
                "customer_id",
                "inside",
                "span",
                "late",
                "scale",
                "score",
            ]
            parts.append(part.filter(part.span.notnull() & among).select(columns))
        none = {"position": "int64", "name": "string", "starts": "date", "order_id": "string", "customer_id": "string"}
        none |= {"inside": "boolean", "span": "string", "late": "boolean", "scale": "string", "score": "int64"}
        return (
            ibis.union(*parts) if len(parts) > 1 else parts[0] if parts else ibis.memtable([], schema=ibis.schema(none))
        )

    def _asked(self) -> ir.Table:
        """Invitations of the period with what their customer had met by then."""
        surveys = self.table("surveys")
        surveys = surveys.filter(
            (surveys.invited_at >= _instant(self.period.start)) & (surveys.invited_at < _instant(self.period.end))
        )
        if self.company.settings.invitations == "answered":  # known by their answer only: not before it
            surveys = surveys.filter(surveys.score.notnull())
        orders = self.table("orders")
        orders = orders.select("order_id", "ordered_at", "cancelled_at", "channel", "fulfilment", "rush")
        told = surveys.left_join(orders, "order_id").drop("order_id_right")
        told = told.left_join(self._shipments(surveys), "order_id").drop("order_id_right")
        told = told.left_join(self._contents(surveys), "order_id").drop("order_id_right")
        told = told.left_join(self._bought(surveys), "order_id").drop("order_id_right")
        told = told.left_join(self._history(surveys), "order_id").drop("order_id_right")
        whole = told.n_arrived == told.n_shipments
        there = (whole & (told.last_arrival <= told.invited_at)).fill_null(False)
        exposure = ibis.cases(
            (told.ordered_at.isnull(), "no_order"),
            (told.cancelled_at <= told.invited_at, "cancelled"),
            (told.promised_by.isnull(), "no_promise"),
            (there & told.late, "late"),
            (there, "in_time"),
            (told.invited_at > told.promised_by, "overdue"),
            else_="not_due",
        )
        seen = ibis.ifelse(there, told.last_arrival, told.invited_at)
        # what has not arrived is not short yet, if the company records contents at all: not whether they come to be
        not_yet = ibis.ifelse(self.table("delivery_lines").count().as_scalar() > 0, False, None)
        delay_s = self._seconds(seen, told.promised_by)
        return told.mutate(
            exposure=exposure,
            delay_s=delay_s,
            late_s=ibis.ifelse(delay_s > 0, delay_s, ibis.ifelse(delay_s.notnull(), 0, None)),
            wait_s=ibis.ifelse(told.promised_by.notnull(), self._seconds(seen, told.ordered_at), None),
            missing_share=ibis.ifelse(there, 1 - ibis.least(told.delivered / told.ordered.nullif(0), 1.0), None),
            short=ibis.ifelse(there, told.delivered < told.ordered, not_yet),
            damaged=ibis.ifelse(there, told.broken > 0, not_yet),
            late_in_the_end=ibis.ifelse(told.promised_by.notnull() & told.cancelled_at.isnull(), told.late, None),
            channel=ibis.ifelse(told.ordered_at.isnull(), NO_ORDER, told.channel),
            ordered_at=ibis.coalesce(told.ordered_at, told.invited_at),
        )

    def _contents(self, of: ir.Table) -> ir.Table:
        """One row an order ``of`` some with delivery lines: pieces ordered, delivered, broken."""
        sent, lines = self.table("delivery_lines").semi_join(of, "order_id"), self._lines_of(of)
        sent = sent.group_by("order_id").agg(delivered=sent.quantity_delivered.sum(), broken=sent.damaged.sum())
        lines = lines.group_by("order_id").agg(ordered=lines.quantity_ordered.sum())
        return sent.inner_join(lines, "order_id")

    def _bought(self, of: ir.Table) -> ir.Table:
        """One row an order ``of`` some with lines: n_lines, quantity, net_revenue, category of its dearest line."""
        goods = self.table("products").select("product_id", "category")
        lines = self._lines_of(of).left_join(goods, "product_id").drop("product_id_right")
        first = [lines.net_revenue.fill_null(0).desc(), lines.line_no]
        lines = lines.mutate(_row=ibis.row_number().over(group_by="order_id", order_by=first))
        return lines.group_by("order_id").agg(
            n_lines=lines.count(),
            quantity=lines.quantity_ordered.sum(),
            net_revenue=lines.net_revenue.sum(),
            category=lines.category.max(where=lines._row == 0),
        )

    def _history(self, surveys: ir.Table) -> ir.Table:
        """One row an order asked about: its customer's orders before it, and those of them late by then."""
        orders = self.table("orders")
        asked = orders.semi_join(surveys, "order_id").select("order_id", "customer_id", "ordered_at")
        sent = self._shipments().select("order_id", "promised_by", "late")
        sent = orders.left_join(sent, "order_id").select(
            _who="customer_id", _at="ordered_at", _due="promised_by", _late="late"
        )
        pairs = asked.left_join(sent, [asked.customer_id == sent._who, sent._at < asked.ordered_at])
        return pairs.group_by("order_id").agg(
            orders_before=pairs._at.count(),
            late_before=(pairs._late & (pairs._due < pairs.ordered_at)).fill_null(False).sum(),
        )

    def segments(self) -> ir.Table:
        """One row a customer with an order before the period's end: who they are, and what they did before it.

        customer_id; segment (as of the first day of the year; "(other)" if profiling is
        refused), built_from (the columns it is made of); known_days (since joined_on, to the
        period's end), has_card, household_size, age (years; only if birth_year is opened):
        all empty if profiling is refused. As known on the period's first day, of orders not
        cancelled then: recency_days (since the last order), n_orders, net_revenue (cents);
        empty without one. In the period, not cancelled: n_orders_in_period, net_revenue_in_period.
        """
        start, end = _instant(self.period.start), _instant(self.period.end)
        orders, lines = self.table("orders"), self.table("order_lines")
        revenue = lines.group_by("order_id").agg(net_revenue=lines.net_revenue.sum())
        orders = orders.left_join(revenue, "order_id").drop("order_id_right")
        kept = ibis.coalesce(orders.cancelled_at >= start, True)
        before = (orders.ordered_at < start) & kept
        inside = (orders.ordered_at >= start) & (orders.ordered_at < end) & orders.cancelled_at.isnull()
        did = orders.group_by("customer_id").agg(
            last=orders.ordered_at.max(where=before),
            n_orders=before.sum(),
            net_revenue=orders.net_revenue.sum(where=before),
            n_orders_in_period=inside.sum(),
            net_revenue_in_period=orders.net_revenue.sum(where=inside),
        )
        did = did.filter((did.n_orders > 0) | (did.n_orders_in_period > 0))
        spans = self._spans()
        newest = spans.mutate(_row=ibis.row_number().over(group_by="customer_id", order_by=spans.valid_from.desc()))
        newest = newest.filter(newest._row == 0).drop("_row")
        people = did.left_join(newest, "customer_id").drop("customer_id_right")
        frozen = self._frozen_segments()
        people = people.left_join(frozen, people.customer_id == frozen._member)
        asked = people._consent.fill_null(True)
        first_day, after = (ibis.literal(edge.date()) for edge in (self.period.start, self.period.end))
        history = {
            "recency_days": first_day.delta(people.last.date(), unit="day"),
            "n_orders": people.n_orders.nullif(0),
            "net_revenue": people.net_revenue,
            "known_days": after.delta(people.joined_on, unit="day"),
            "has_card": people.has_card,
            "household_size": people.household_size,
            "age": self.period.start.year - people.birth_year,
        }
        return people.mutate(
            segment=ibis.ifelse(asked, people._segment.fill_null(stats.UNKNOWN), stats.OTHER),
            built_from=ibis.literal(f"customers.{self.company.settings.segment}"),
            **{name: ibis.ifelse(asked, value, None) for name, value in history.items()},
        ).select(
            "customer_id", "segment", "built_from", "known_days", "has_card", "household_size", "age",
            "recency_days", "n_orders", "net_revenue", "n_orders_in_period", "net_revenue_in_period",
        )  # fmt: skip

    def tastes(self) -> ir.Table:
        """One row a customer, half and trait of what they did in the 52 weeks up to the period's end.

        customer_id; segment; half ("even" or "odd" weeks, counted from the first); block, trait; amount (net revenue
        of lines that have the trait, cents, or pieces where the company has no prices: blocks category, brand and those
        of ``products.attributes``; orders that have it: channel, fulfilment, site, time, promotion; and the block
        "basket", sums over orders: n_orders, n_lines, amount). Orders not cancelled; not of who refused profiling.
        """
        return self._tastes(self.period.end)

    def tastes_before(self) -> ir.Table:
        """The frame ``tastes`` of the 52 weeks before those; segments are the ones of this year.

        The columns of ``tastes``.
        """
        return self._tastes(self.period.end - timedelta(weeks=52))

    def _tastes(self, end: datetime) -> ir.Table:
        begin = end - timedelta(weeks=52)
        orders, lines = self.table("orders"), self.table("order_lines")
        inside = (orders.ordered_at >= _instant(begin)) & (orders.ordered_at < _instant(end))
        inside &= orders.cancelled_at.isnull()
        week = orders.ordered_at.date().delta(ibis.literal(begin.date()), unit="day")
        orders = orders.filter(inside).mutate(half=ibis.ifelse((week // 7) % 2 == 0, "even", "odd"))
        people = self._frozen_segments()
        people = people.filter(people._consent.fill_null(True))
        people = people.select("_member", segment=people._segment.fill_null(stats.UNKNOWN))
        orders = orders.inner_join(people, orders.customer_id == people._member)
        keys = ["customer_id", "segment", "half"]
        priced = self.warehouse.has("order_lines", "net_revenue")
        lines = lines.select("order_id", "product_id", amount=lines.net_revenue if priced else lines.quantity_ordered)
        lines = orders.select("order_id", *keys).inner_join(lines, "order_id")
        traits = lines.inner_join(self._product_traits(), "product_id")
        kinds = self.table("sites").select(_site="site_id", kind="kind")
        orders = orders.left_join(kinds, orders.site_id == kinds._site)
        hour = orders.ordered_at.hour()
        part = ibis.cases((hour < 6, "night"), (hour < 12, "morning"), (hour < 18, "afternoon"), else_="evening")
        weekend = ibis.ifelse(orders.ordered_at.day_of_week.index() >= 5, "weekend ", "weekday ")
        did = {
            "channel": orders.channel,
            "fulfilment": orders.fulfilment,
            "site": orders.kind,
            "time": weekend + part,
            "promotion": ibis.ifelse(orders.campaign_id.notnull(), "answers a campaign", "no campaign"),
        }
        known = {
            block: trait for block, trait in did.items() if block != "promotion" or self.warehouse.has("campaigns")
        }
        by = [*keys, "block", "trait"]
        parts = [
            rows.group_by(by).agg(amount=rows.count())
            for rows in (
                orders.mutate(block=ibis.literal(b), trait=t.fill_null(stats.UNKNOWN)) for b, t in known.items()
            )
        ]
        parts.append(traits.group_by(by).agg(amount=traits.amount.sum().fill_null(0)))
        sums = {"n_orders": orders.group_by(keys).agg(amount=orders.count())}
        sums["n_lines"] = lines.group_by(keys).agg(amount=lines.count())
        sums["amount"] = lines.group_by(keys).agg(amount=lines.amount.sum().fill_null(0))
        parts += [rows.mutate(block=ibis.literal("basket"), trait=ibis.literal(name)) for name, rows in sums.items()]
        return ibis.union(*[part.select(*by, amount=part.amount.cast("int64")) for part in parts])

    def _product_traits(self) -> ir.Table:
        """One row a product, block and trait: category, brand, and each attribute that is a truth value or a text.

        A name of ``products.attributes`` with more than 200 values, such as a package size in words, tells articles
        and no taste: it is no block.
        """
        columns = ["product_id", "category", "brand", "attributes"]
        goods = self.warehouse.backend.to_pyarrow(self.table("products").select(columns)).to_pandas()
        rows = [goods.assign(block=name, trait=goods[name])[["product_id", "block", "trait"]] for name in columns[1:3]]
        told = goods[["product_id", "attributes"]].dropna()
        found = [
            (product, "attribute" if value is True else str(name), str(name) if value is True else value)
            for product, text in zip(told["product_id"], told["attributes"], strict=True)
            for name, value in json.loads(text).items()
            if value is True or isinstance(value, str)
        ]
        rows.append(pd.DataFrame(found, columns=["product_id", "block", "trait"]))
        traits = pd.concat(rows).dropna().astype("str").sort_values(["product_id", "block", "trait"])
        few = traits.groupby("block")["trait"].transform("nunique") <= 200
        schema = dict.fromkeys(["product_id", "block", "trait"], "string")
        return ibis.memtable(traits[few].reset_index(drop=True), schema=schema)

    def wishes(self) -> ir.Table:
        """One row a wish of home shoppers in the period.

        intent_id, person (the customer; the wish itself where nobody signed in); segment; site_id, category
        ("(unknown)" for words searched), item (the article, or the words searched), outcome (bought, substituted,
        unavailable, not_ranged), value (cents: mean net revenue of a line of the article in the 52 weeks up to the
        period's end; empty if never sold).
        """
        rows, lines, orders = self.table("shopping_intents"), self.table("order_lines"), self.table("orders")
        start, end = _instant(self.period.start), _instant(self.period.end)
        rows = rows.filter((rows.occurred_at >= start) & (rows.occurred_at < end))
        year = (orders.ordered_at >= _instant(self.period.end - timedelta(weeks=52))) & (orders.ordered_at < end)
        lines = lines.semi_join(orders.filter(year & orders.cancelled_at.isnull()), "order_id")
        sold = lines.group_by(_sold="product_id").agg(_sum=lines.net_revenue.sum(), _n=lines.net_revenue.count())
        goods = self.table("products").select(_product="product_id", category="category")
        rows = rows.left_join(goods, rows.product_id == goods._product)
        rows = self._of_segments(rows.left_join(sold, rows.product_id == sold._sold))
        return rows.select(
            "intent_id", "site_id", "outcome",
            person=ibis.coalesce(rows.customer_id, rows.intent_id),
            segment=rows.segment,
            category=rows.category.fill_null(stats.UNKNOWN),
            item=ibis.coalesce(rows.product_id, rows.term),
            value=ibis.ifelse(rows._n > 0, (rows._sum + rows._n // 2) // rows._n.nullif(0), None),
        )  # fmt: skip

    def short_lines(self) -> ir.Table:
        """One row an order line of the period whose order has arrived, as far as ``delivery_lines`` tell.

        Where no arrival is ever recorded, an order with a delivery line has.

        order_id, line_no, customer_id; segment, channel, region on the grid; site_id, category; quantity_ordered,
        quantity_delivered (pieces; at most what was ordered).
        """
        placed = self._placed_in(self.period)
        orders = self._published(placed)
        orders = orders.filter(orders.cancelled_at.isnull())
        orders = orders.select("order_id", "customer_id", *GRID_DIMENSIONS, "site_id")
        parts, lines = self.table("delivery_lines").semi_join(placed, "order_id"), self._lines_of(placed)
        sent = self.table("deliveries").semi_join(placed, "order_id")
        if self.warehouse.has("deliveries", "delivered_at"):
            sent = sent.filter(sent.delivered_at.notnull())
        parts = parts.semi_join(sent, "delivery_id")
        lines = lines.semi_join(parts, "order_id").select("order_id", "line_no", "product_id", "quantity_ordered")
        parts = parts.group_by(_order="order_id", _line="line_no").agg(_came=parts.quantity_delivered.sum())
        goods = self.table("products").select(_product="product_id", category="category")
        rows = lines.inner_join(orders, "order_id")
        rows = rows.left_join(parts, [rows.order_id == parts._order, rows.line_no == parts._line])
        rows = rows.left_join(goods, rows.product_id == goods._product)
        return rows.select(
            "order_id", "line_no", "customer_id", *GRID_DIMENSIONS, "site_id",
            category=rows.category.fill_null(stats.UNKNOWN),
            quantity_ordered=rows.quantity_ordered,
            quantity_delivered=ibis.least(rows._came.fill_null(0), rows.quantity_ordered),
        )  # fmt: skip

    def stock_spans(self) -> ir.Table:
        """One row a site, article and span between two counts of its stock, of articles that ran out in the period.

        site_id, product_id, category; day (of the count at the begin: the span is the days after it, up to the next
        count, at most 31 days later; both in the period), days, stocked_out (nothing was left at its end), sold (pieces
        of orders at that site, not cancelled by as_of); goods (cents that its pieces bought in the period cost, where
        that is known) and pieces (of these lines). Spans that began with nothing and ended with stock are left
        out: when it came is not known.
        """
        counts = self._counts
        near = ibis.window(group_by=["site_id", "product_id"], order_by="day")
        spans = counts.mutate(_next=counts.day.lead().over(near), _left=counts.on_hand.lead().over(near))
        spans = spans.mutate(days=spans._next.delta(spans.day, unit="day")).filter(lambda rows: rows.days <= 31)
        spans = spans.mutate(stocked_out=spans._left == 0)
        spans = spans.filter((spans.on_hand > 0) | spans.stocked_out)
        ran_out = spans.stocked_out.any().over(ibis.window(group_by=["site_id", "product_id"]))
        spans = spans.mutate(_ran_out=ran_out).filter(lambda rows: rows._ran_out)
        orders, lines = self.table("orders"), self.table("order_lines")
        orders = orders.filter(
            (orders.ordered_at >= _instant(self.period.start))
            & (orders.ordered_at < _instant(self.period.end))
            & orders.cancelled_at.isnull()
        )
        lines = lines.inner_join(orders.select("order_id", _site="site_id", _day=orders.ordered_at.date()), "order_id")
        costed = lines.filter(lines.cost_of_goods.notnull())
        costed = costed.group_by(_goods_of="product_id").agg(
            goods=costed.cost_of_goods.sum(), pieces=costed.quantity_ordered.sum()
        )
        bought = lines.select("_site", "_day", _article="product_id", _sold="quantity_ordered")
        inside = [
            spans.site_id == bought._site, spans.product_id == bought._article,
            bought._day > spans.day, bought._day <= spans._next,
        ]  # fmt: skip
        keys = ["site_id", "product_id", "day", "days", "stocked_out"]
        rows = spans.left_join(bought, inside).group_by(keys).agg(sold=lambda rows: rows._sold.sum().fill_null(0))
        goods = self.table("products").select(_product="product_id", category="category")
        rows = rows.left_join(goods, rows.product_id == goods._product)
        rows = rows.left_join(costed, rows.product_id == costed._goods_of)
        counted = {name: rows[name].fill_null(0) for name in ("goods", "pieces")}
        return rows.select(*keys, "sold", **counted, category=rows.category.fill_null(stats.UNKNOWN))

    @property
    def _counts(self) -> ir.Table:
        """Counts of stock in the period."""
        first, last = self.period.start.date(), self.period.end.date() - timedelta(days=1)
        counts = self.table("stock_levels")
        return counts.filter((counts.day >= ibis.literal(first)) & (counts.day <= ibis.literal(last)))

    def campaign_reach(self) -> ir.Table:
        """One row a campaign and customer contacted or held out, whose 28 days ended by as_of, of the last 52 weeks.

        campaign_id, template_id, department, starts_on, cost (cents, of the whole campaign), use (which campaign of
        its template this is, from 1); customer_id, segment, held_out; of orders not cancelled: orders_before (in the
        91 days before the contact), orders_after and revenue_after (cents) in the 28 days after it.
        """
        plans, told = self.table("campaigns"), self.table("campaign_contacts")
        plans = plans.mutate(
            use=ibis.ifelse(
                plans.template_id.isnull(),
                1,
                ibis.row_number().over(group_by="template_id", order_by=[plans.starts_on, plans.campaign_id]) + 1,
            )
        )
        follow = ibis.interval(days=28)
        told = told.filter(
            (told.contacted_at + follow < _instant(self.period.as_of))
            & (told.contacted_at >= _instant(self.period.end - timedelta(weeks=52)))
            & (told.contacted_at < _instant(self.period.end))
        )
        people = self._frozen_segments()
        people = people.filter(people._consent.fill_null(True))
        told = told.inner_join(people, told.customer_id == people._member)
        told = told.mutate(segment=told._segment.fill_null(stats.UNKNOWN)).drop("_member", "_segment", "_consent")
        lines, orders = self.table("order_lines"), self.table("orders")
        revenue = lines.group_by(_order="order_id").agg(_revenue=lines.net_revenue.sum())
        orders = orders.filter(orders.cancelled_at.isnull())
        orders = orders.left_join(revenue, orders.order_id == revenue._order)
        orders = orders.select(_who="customer_id", _at="ordered_at", _revenue="_revenue")
        near = [
            told.customer_id == orders._who,
            orders._at >= told.contacted_at - ibis.interval(days=91),
            orders._at < told.contacted_at + follow,
        ]
        pairs = told.left_join(orders, near)
        after = (pairs._at >= pairs.contacted_at).fill_null(False)
        keys = ["campaign_id", "customer_id", "segment", "held_out"]
        did = pairs.group_by(keys).agg(
            orders_before=(pairs._at < pairs.contacted_at).fill_null(False).sum(),
            orders_after=after.sum(),
            revenue_after=pairs._revenue.sum(where=after).fill_null(0),
        )
        told_of = plans.select(_campaign="campaign_id", template_id="template_id", department="department",
                               starts_on="starts_on", cost="cost", use="use")  # fmt: skip
        return did.inner_join(told_of, did.campaign_id == told_of._campaign).drop("_campaign")

    def lifetimes(self) -> ir.Table:
        """One row a customer with a purchase before the period's end: what a model of repeat purchases needs.

        customer_id, segment ("(other)" if profiling is refused), under_agreement (any valid at the period's end). A
        purchase is a day with orders not cancelled by as_of. repeats (days after the first), last and age (weeks from
        the first purchase to the last, and to the period's end), spend (net revenue of the repeat days, cents). As if
        seen 52 weeks before the period's end, of who had bought by then, else empty:
        repeats_then, last_then, age_then; and repeats_since (days in the 52 weeks from then on).
        """
        end = self.period.end
        then = end - timedelta(weeks=52)
        orders, lines = self.table("orders"), self.table("order_lines")
        revenue = lines.group_by(_order="order_id").agg(_revenue=lines.net_revenue.sum())
        orders = orders.filter((orders.ordered_at < _instant(end)) & orders.cancelled_at.isnull())
        orders = orders.left_join(revenue, orders.order_id == revenue._order).mutate(day=orders.ordered_at.date())
        days = orders.group_by(["customer_id", "day"]).agg(revenue=orders._revenue.sum())
        first = days.group_by(_who="customer_id").agg(first=days.day.min())
        days = days.inner_join(first, days.customer_id == first._who)
        before = days.day < ibis.literal(then.date())
        did = days.group_by(["customer_id", "first"]).agg(
            repeats=days.count() - 1,
            newest=days.day.max(),
            spend=days.revenue.sum(where=days.day > days.first).fill_null(0),
            days_then=before.sum(),
            newest_then=days.day.max(where=before),
        )
        held = self.table("agreements")
        valid = (held.valid_from.isnull() | (held.valid_from < _instant(end))) & (
            held.valid_to.isnull() | (held.valid_to >= _instant(end))
        )
        held = held.filter(valid).select(_holder="customer_id").distinct()
        did = self._of_segments(did.left_join(held, did.customer_id == held._holder))

        def weeks(day: ir.Value) -> ir.Value:
            return day.delta(did.first, unit="day") / 7

        known = did.days_then > 0
        return did.select(
            "customer_id", "repeats", "spend", "segment",
            under_agreement=did._holder.notnull(),
            last=weeks(did.newest),
            age=weeks(ibis.literal(end.date())),
            repeats_then=ibis.ifelse(known, did.days_then - 1, None),
            last_then=ibis.ifelse(known, weeks(did.newest_then), None),
            age_then=ibis.ifelse(known, weeks(ibis.literal(then.date())), None),
            repeats_since=ibis.ifelse(known, did.repeats + 1 - did.days_then, None),
        )  # fmt: skip

    def accounts(self) -> ir.Table:
        """One row a customer under an agreement on any day of the 52 weeks up to the period's end.

        customer_id, segment ("(other)" if profiling is refused); entered (years from the first agreement's begin to the
        first day of these weeks, 0 if it began later), exposure (years under agreement within them), ended (no
        agreement at the period's end); revenue (net revenue of orders placed in these weeks and not cancelled by as_of,
        cents; empty where prices are not known).
        """
        end, held = self.period.end, self.table("agreements")
        begin = end - timedelta(weeks=52)
        held = held.group_by("customer_id").agg(
            start=held.valid_from.fill_null(_instant(begin)).min(),
            stop=ibis.ifelse(held.valid_to.isnull().any(), None, held.valid_to.max()),
        )
        held = held.mutate(stop=held.stop.fill_null(_instant(end)))
        held = held.filter((held.start < _instant(end)) & (held.stop > _instant(begin)))
        lines, orders = self.table("order_lines"), self.table("orders")
        inside = (orders.ordered_at >= _instant(begin)) & (orders.ordered_at < _instant(end))
        orders = orders.filter(inside & orders.cancelled_at.isnull()).select("order_id", _who="customer_id")
        paid = orders.inner_join(lines, "order_id").group_by("_who").agg(_revenue=lambda rows: rows.net_revenue.sum())
        held = self._of_segments(held.left_join(paid, held.customer_id == paid._who))

        def years(start: ir.Value, stop: ir.Value) -> ir.Value:
            return self._seconds(stop, start).cast("float64") / (86_400 * 365.25)

        first, last = ibis.greatest(held.start, _instant(begin)), ibis.least(held.stop, _instant(end))
        return held.select(
            "customer_id",
            "segment",
            entered=years(ibis.least(held.start, _instant(begin)), _instant(begin)),
            exposure=years(first, last),
            ended=held.stop < _instant(end),
            revenue=ibis.ifelse(held._who.isnull(), 0, held._revenue),
        )

    def breadth(self) -> ir.Table:
        """One row a customer with an order in the 52 weeks up to the period's end, not cancelled by as_of.

        customer_id; segment ("(other)" if profiling is refused); n_orders; first_days, last_days (from the first and
        the last of them to the period's end); n_lines, quantity (pieces); net_revenue (cents; empty where prices are
        not known), cost_of_goods (cents; empty unless known of every line). How many different ones, exact, what is
        not recorded being none: n_sites (of orders), n_products, n_categories (of lines).

        Lines carry numbers for customer and article and a bit for the category, and are grouped once, by customer: a
        list of numbers, made unique, costs a fraction of a distinct count over texts, and of its memory.
        """
        orders = self._placed_in(self._year)
        orders = orders.filter(orders.cancelled_at.isnull())
        orders = orders.select("order_id", "customer_id", "ordered_at", "site_id")
        did = orders.group_by("customer_id").agg(
            n_orders=orders.count(),
            n_sites=orders.site_id.nunique(),
            first=orders.ordered_at.min(),
            last=orders.ordered_at.max(),
        )
        did = did.mutate(
            _number=ibis.row_number().over(order_by="customer_id")
        )  # ordered: the same wherever it is used
        numbers = did.select("_number", _who="customer_id")
        numbered = orders.inner_join(numbers, orders.customer_id == numbers._who).select("order_id", "_number")
        goods, bits = self._numbered_goods()
        bought = self.warehouse.table("order_lines").inner_join(numbered, "order_id")  # of orders as known
        bought = bought.left_join(goods, bought.product_id == goods._product)
        unknown = bought.product_id.collect(where=bought._article.isnull())
        sums = bought.group_by("_number").agg(
            n_lines=bought.count(),
            n_products=sum(some.unique().length().fill_null(0) for some in (bought._article.collect(), unknown)),
            quantity=bought.quantity_ordered.sum(),
            net_revenue=bought.net_revenue.sum(),
            cost_of_goods=ibis.ifelse(
                bought.cost_of_goods.count() == bought.count(), bought.cost_of_goods.sum(), ibis.null("int64")
            ),
            **{name: _bit_or(bought[name]) for name in bits},
        )
        sums = sums.rename(_same="_number")
        found = self._of_segments(did.left_join(sums, did._number == sums._same))
        after, zone_day = ibis.literal(self.period.end.date()), {name: found[name].date() for name in ("first", "last")}
        return found.select(
            "customer_id", "n_orders", "n_sites", "cost_of_goods", "segment",
            **{f"{name}_days": after.delta(day, unit="day") for name, day in zone_day.items()},
            **{name: found[name].fill_null(0) for name in ("n_lines", "n_products", "quantity")},
            net_revenue=ibis.ifelse(found._same.isnull(), 0, found.net_revenue),
            n_categories=sum(
                ibis.ifelse(found[name] & 2**place > 0, 1, 0) for name, n in bits.items() for place in range(n)
            ),
        )  # fmt: skip

    def _numbered_goods(self) -> tuple[ir.Table, dict[str, int]]:
        """One row an article: its number, and its category as a bit of one of some columns; bits used of each."""
        goods = self.table("products").select("product_id", "category")
        known = goods.filter(goods.category.notnull()).select("category").distinct()
        names = sorted(self.warehouse.backend.to_pyarrow(known)["category"].to_pylist())
        words = [names[first : first + _BITS] for first in range(0, max(len(names), 1), _BITS)]
        rows = [
            {"_category": name} | {f"_bits{at}": (at == word) << place for at in range(len(words))}
            for word, some in enumerate(words)
            for place, name in enumerate(some)
        ]
        schema = {"_category": "string"} | {f"_bits{at}": "int64" for at in range(len(words))}
        bits = ibis.memtable(rows, schema=ibis.schema(schema))
        goods = goods.left_join(bits, goods.category == bits._category)
        number = ibis.row_number().over(order_by="product_id").cast("int32")
        told = goods.select(*list(schema)[1:], _product="product_id", _article=number)
        return told, {f"_bits{at}": len(some) for at, some in enumerate(words)}

    def product_mix(self) -> ir.Table:
        """One row a customer, atom and product category, over orders of the period that were not cancelled.

        customer_id; segment, channel, region on the grid; category; n_orders, quantity
        (pieces), net_revenue (cents; empty where prices are not known), cost_of_goods (cents; empty unless known of
        every line).
        """
        orders = self._published(self._placed_in(self.period))
        orders = orders.filter(orders.cancelled_at.isnull()).select("order_id", "customer_id", *GRID_DIMENSIONS)
        goods = self.table("products").select("product_id", "category")
        lines = self.table("order_lines").left_join(goods, "product_id")
        bought = orders.inner_join(lines, "order_id")
        bought = bought.mutate(category=bought.category.fill_null(stats.UNKNOWN))
        return bought.group_by(["customer_id", *GRID_DIMENSIONS, "category"]).agg(
            n_orders=bought.order_id.nunique(), quantity=bought.quantity_ordered.sum(),
            net_revenue=bought.net_revenue.sum(),
            cost_of_goods=ibis.ifelse(
                bought.cost_of_goods.count() == bought.count(), bought.cost_of_goods.sum(), ibis.null("int64")
            ),
        )  # fmt: skip

    def ledger(self) -> ir.Table:
        """One row a month, account and pool of the period: amount (cents, posted)."""
        postings = self._in_months(self.table("ledger"))
        return postings.group_by(["month", "account", "pool"]).agg(amount=postings.amount.sum())

    def capacity(self) -> ir.Table:
        """One row a month and pool of the period: practical capacity, capacity_s (seconds)."""
        pools = self._in_months(self.table("resource_pools"))
        return pools.select("month", "pool", capacity_s=pools.practical_capacity_minutes * 60)

    def work(self) -> ir.Table:
        """One row a month, pool, activity, customer_id and atom (segment, channel, region) of the period: times and
        seconds.

        Seconds follow the time equations of ``cost.yaml``: quantity x base + drivers x seconds
        each. Work for no order, such as a visit, has the channel "(no order)".
        """
        keys = ["month", "activity", "customer_id", *GRID_DIMENSIONS]
        if not self._much_work:
            rows = self._work_places(self.period)
            sums = rows.group_by(keys).agg(times=rows.quantity.sum(), seconds=rows.seconds.sum())
            placed = self._pooled(_relabelled(sums, self.grid))
            return placed.group_by(["pool", *keys]).agg(times=placed.times.sum(), seconds=placed.seconds.sum())
        sums = [
            self._work_sums(part, ["_kind"], self._atoms, self.period).mutate(month=ibis.literal(_first_day(part)))
            for part in _months(self.period)
        ]
        named = self._with_names(ibis.union(*sums) if len(sums) > 1 else sums[0], self._atoms)
        kinds = self._kinds_of_work(self.period).select("_kind", activity="_activity").distinct()
        return self._pooled(named.left_join(kinds, "_kind")).select("pool", *keys, "times", "seconds")

    @cached_property
    def _few_orders(self) -> bool:
        return self.warehouse.backend.to_pyarrow(self.warehouse.table("orders").count()).as_py() <= FEW_ORDERS

    @cached_property
    def _much_work(self) -> bool:
        """Is there so much work that groups of text keys would not fit a laptop's memory?

        Then they are made by numbers of customers and cells, a month at a time, from larger queries.
        """
        return self.warehouse.backend.to_pyarrow(self.warehouse.table("activities").count()).as_py() > MUCH_WORK

    def _work_by_place(self, span: Period) -> ir.Table:
        """One row a customer and cell, unmerged: times and seconds of a span."""
        others, orders = self._work_places(span, named=_OWN), self._order_places()
        cells = ibis.union(*[rows.select(*GRID_DIMENSIONS) for rows in (orders, others)], distinct=True)
        cells = [_NOWHERE, *self.warehouse.backend.to_pyarrow(cells).to_pandas().itertuples(index=False, name=None)]
        cells = {cell: cell for cell in cells}
        return self._with_names(self._work_sums(span, [], cells), cells)

    def _work_sums(
        self, span: Period, keys: list[str], places: dict[tuple, tuple], within: Period | None = None
    ) -> ir.Table:
        """Times and seconds of a span (``within`` one asked in parts) by keys and the numbers of customer and place."""
        orders = self._numbered(self._order_places(), places).select("_customer", "_place", _of="order_id")
        done = self._done_in(span, ibis._.order_id.notnull(), ibis._.customer_id.isnull())
        done = self._timed(done, within or span)
        plain = done.left_join(orders, done.order_id == orders._of)
        others = self._numbered(self._work_places(span, *keys, named=_OWN), places)
        columns = [*keys, "_customer", "_place", "quantity", "seconds"]
        rows = ibis.union(*[part.select(columns) for part in (plain, others)])
        rows = rows.mutate(_place=rows._place.fill_null(_numbers(places)[places[_NOWHERE]]))
        # added as floating point, exact for whole numbers below 2^53: the sum of integers takes DuckDB twice the room
        times, seconds = (rows[name].cast("float64").sum().cast("int64") for name in ("quantity", "seconds"))
        return rows.group_by(columns[:-2]).agg(times=times, seconds=seconds)

    def _order_places(self) -> ir.Table:
        def made() -> ir.Table:
            orders = self.table("orders").select("order_id", "customer_id", "channel", "ordered_at")
            return self._places(orders).select("order_id", "customer_id", *GRID_DIMENSIONS)

        return self._view("order_places", made)

    def _customer_numbers(self) -> ir.Table:
        """Each customer of orders or activities with a number of its own."""
        found = ibis.union(
            *[self.table(name).select("customer_id") for name in ("orders", "activities")], distinct=True
        )
        found = found.filter(found.customer_id.notnull()).select(_id="customer_id")
        return found.mutate(_number=ibis.row_number().over(order_by="_id").cast("int32"))

    def _numbered(self, rows: ir.Table, places: dict[tuple, tuple]) -> ir.Table:
        """Rows of cells and customers with the numbers of the cell's place and the customer."""
        customers, numbers = self._customer_numbers(), _numbers(places)
        names = [f"_{name}" for name in GRID_DIMENSIONS]
        schema = dict.fromkeys(names, "string") | {"_place": "int32"}
        cells = [(*cell, numbers[place]) for cell, place in places.items()]
        cells = ibis.memtable(pd.DataFrame(cells, columns=list(schema)), schema=schema)
        found = rows.left_join(cells, [rows[name] == cells[f"_{name}"] for name in GRID_DIMENSIONS])
        found = found.left_join(customers, found.customer_id == customers._id)
        return found.rename(_customer="_number").drop("_id", *names)

    def _with_names(self, sums: ir.Table, places: dict[tuple, tuple]) -> ir.Table:
        """Sums by numbers with the places and customers that these stand for."""
        customers, schema = self._customer_numbers(), {"_at": "int32"} | dict.fromkeys(GRID_DIMENSIONS, "string")
        names = [(at, *place) for place, at in _numbers(places).items()]
        names = ibis.memtable(pd.DataFrame(names, columns=list(schema)), schema=schema)
        named = sums.left_join(names, sums._place == names._at)
        named = named.left_join(customers, named._customer == customers._number).rename(customer_id="_id")
        return named.drop("_at", "_place", "_customer", "_number")

    @cached_property
    def _atoms(self) -> dict[tuple, tuple]:
        """The atom that each cell of the grid is published in."""
        size, cells = len(GRID_DIMENSIONS), self.grid.itertuples(index=False, name=None)
        return {_NOWHERE: _OTHERS} | {cell[:size]: cell[size:] for cell in cells}

    def _work_in(self, span: Period, *more: str) -> ir.Table:
        """Activities of a span with seconds, order, customer and the month in which they happened."""
        done = self._timed(self._done_in(span), span)
        orders = self.table("orders").select(_order="order_id", _buyer="customer_id")
        placed = done.left_join(orders, done.order_id == orders._order)
        return placed.select(
            "activity", "department", "quantity", "seconds", *more, "happened_at", "month", "order_id",
            customer_id=ibis.coalesce(placed.customer_id, placed._buyer),
        )  # fmt: skip

    def _work_places(self, span: Period, *more: str, named: Sequence[Deferred] = ()) -> ir.Table:
        """``_work_in`` with segment, channel and region: its order's, or its customer's then and "(no order)".

        Of work for orders only that which the conditions ``named`` hold for.
        """
        columns = ["activity", "quantity", "seconds", *more, "month", "order_id", "customer_id"]
        done = self._timed(self._done_in(span, ibis._.order_id.notnull(), *named), span)
        orders = self._order_places()
        orders = orders.select(_of="order_id", _buyer="customer_id", **{name: name for name in GRID_DIMENSIONS})
        done = done.left_join(orders, done.order_id == orders._of)
        cell = {name: done[name].fill_null(stats.UNKNOWN) for name in GRID_DIMENSIONS}
        done = done.mutate(customer_id=ibis.coalesce(done.customer_id, done._buyer), **cell)
        alone = self._timed(self._done_in(span, ibis._.order_id.isnull()), span)
        alone = self._places(alone.mutate(channel=ibis.literal(NO_ORDER), ordered_at=alone.happened_at))
        return ibis.union(*[rows.select(*columns, *GRID_DIMENSIONS) for rows in (done, alone)])

    def _pooled(self, work: ir.Table) -> ir.Table:
        """Rows of activities with the pool that does them."""
        rules = sorted(self.cost_rules.activities.items())
        return work.mutate(pool=_by_activity(work, [(name, rule.pool) for name, rule in rules], stats.UNKNOWN))

    def _done_in(self, span: Period, *only: Deferred) -> ir.Table:
        """Activities that happened in a span, with their month (by its edges: of 120 million rows that is faster).

        Only those that the conditions hold for. They go first: what two parts of an expression share is written out by
        DuckDB before either reads it, and activities are many.
        """
        done = self.warehouse.table("activities")
        done = self._as_known("activities", done.filter(*_in(span, ibis._.happened_at), *only))
        return done.mutate(month=_month_of(done.happened_at, span))

    def _timed(self, done: ir.Table, span: Period, floor: int | None = 0) -> ir.Table:
        """Activities with ``seconds`` by the time equations of ``cost.yaml``; 0 where there is none, never less.

        And with ``_kind``, the number of the activity: groups of millions are made by it.
        """
        kinds = self._kinds_of_work(span)
        done = done.mutate(_read=done.drivers.fill_null(""))
        found = done.left_join(kinds, [done.activity == kinds._activity, done._read == kinds._text])
        seconds = found.quantity * found._base + found._more
        seconds = seconds if floor is None else ibis.greatest(seconds, floor)
        return found.mutate(seconds=seconds.cast("int64")).drop("_read", "_activity", "_text", "_base", "_more")

    def _kinds_of_work(self, span: Period) -> ir.Table:
        """Each activity and text of drivers in a span with its seconds: ``_base`` a time, ``_more`` for the drivers.

        ``_kind`` numbers the activities.

        Read first, once a span, because they are few and DuckDB takes them for many: it would hold all activities
        beside them.
        """
        if span in self._kinds:
            return self._kinds[span]
        kinds = self.warehouse.table("activities").filter(*_in(span, ibis._.happened_at))
        kinds = kinds.filter(kinds.activity.notnull()).select(_activity="activity", _text=kinds.drivers.fill_null(""))
        texts = self.warehouse.backend.to_pyarrow(kinds.distinct()).to_pylist()
        numbers = {name: at for at, name in enumerate(sorted({each["_activity"] for each in texts}))}
        for each in texts:  # read here, as each backend reads JSON its own way
            rule, told = self.cost_rules.activities.get(each["_activity"]), _counts(each["_text"])
            more = sum(seconds * told.get(name, 0) for name, seconds in rule.per.items()) if rule else 0
            each |= {"_base": rule.seconds if rule else 0, "_more": more, "_kind": numbers[each["_activity"]]}
        schema = {"_activity": "string", "_text": "string", "_base": "int64", "_more": "int64", "_kind": "int32"}
        self._kinds[span] = ibis.memtable(texts, schema=ibis.schema(schema))
        return self._kinds[span]

    def _sent_in(self, span: Period) -> ir.Table:
        """Shipments handed over in a span, with customer, channel and time of their order."""
        sent = self._billed
        sent = sent.filter(*_in(span, sent.shipped_at))
        orders = self.table("orders").select("order_id", "customer_id", "channel", "ordered_at")
        return sent.inner_join(orders, "order_id").select(
            "order_id", "customer_id", "channel", "ordered_at", "shipped_at", "freight_cost"
        )

    def freight(self) -> ir.Table:
        """One row a month, customer_id and atom (segment, channel, region): n_shipments handed over in the period, and
        their freight (cents)."""
        placed = self._published(self._sent_in(self.period))
        placed = placed.mutate(month=_month_of(placed.shipped_at, self.period))
        return placed.group_by(["month", "customer_id", *GRID_DIMENSIONS]).agg(
            n_shipments=placed.count(), freight=placed.freight_cost.sum().fill_null(0)
        )

    def work_kinds(self) -> ir.Table:
        """One row a month, pool, activity, atom (segment, channel, region) and kind of order: times done and seconds.

        Kinds: fulfilment, order_class (both "(no order)" for work without one), department (of who did it). Cells and
        seconds are those of ``work``.
        """
        rows = self._of_a_kind(self._work_places(self.period, "department"))
        rows = rows.mutate(department=rows.department.fill_null(stats.UNKNOWN))
        keys = ["month", "activity", *GRID_DIMENSIONS, "fulfilment", "order_class", "department"]
        sums = rows.group_by(keys).agg(times=rows.quantity.sum(), seconds=rows.seconds.sum())
        placed = self._pooled(_relabelled(sums, self.grid))
        return placed.group_by(["pool", *keys]).agg(times=placed.times.sum(), seconds=placed.seconds.sum())

    def freight_kinds(self) -> ir.Table:
        """One row a customer_id, atom (segment, channel, region), fulfilment and order_class: freight (cents) of what
        was handed over in the period."""
        placed = self._of_a_kind(self._published(self._sent_in(self.period)))
        keys = ["customer_id", *GRID_DIMENSIONS, "fulfilment", "order_class"]
        return placed.group_by(keys).agg(freight=placed.freight_cost.sum().fill_null(0))

    def _of_a_kind(self, rows: ir.Table) -> ir.Table:
        """Rows of orders, or of none, with their fulfilment and order_class."""
        lines, orders = self.table("order_lines"), self.table("orders")
        counted = lines.group_by("order_id").agg(n_lines=lines.count())
        orders = orders.select("order_id", "fulfilment", "rush").left_join(counted, "order_id").drop("order_id_right")
        kinds = orders.select(_of="order_id", fulfilment=orders.fulfilment, order_class=_order_class(orders))
        found = rows.left_join(kinds, rows.order_id == kinds._of)
        return found.mutate(
            fulfilment=ibis.ifelse(found._of.isnull(), NO_ORDER, found.fulfilment.fill_null(stats.UNKNOWN)),
            order_class=found.order_class.fill_null(NO_ORDER),
        )

    def work_units(self) -> ir.Table:
        """One row a segment, activity, driver and units of it in a piece of work: what work is made of.

        driver ("": the activity itself), units (times, or counts of the driver), n (pieces of work), seconds (of all of
        them), n_orders (of the segment, on which work was done in the period), no_order (work for none).
        """
        rules = self.cost_rules.activities
        placed = _relabelled(self._work_places(self.period, "drivers"), self.grid)
        orders = placed.group_by("segment").agg(n_orders=placed.order_id.nunique())
        known = placed.filter(placed.activity.isin(list(rules)))
        known = known.mutate(no_order=known.order_id.isnull(), drivers=known.drivers.cast("string").fill_null("{}"))
        kinds = known.group_by(["segment", "activity", "no_order", "quantity", "drivers"]).agg(n=known.count())
        run = self.warehouse.backend.to_pyarrow
        sizes = run(orders).to_pandas().set_index("segment")["n_orders"].to_dict()
        sums: dict[tuple, list[int]] = {}
        for row in run(kinds).to_pylist():
            rule, counts = rules[row["activity"]], _counts(row["drivers"])
            parts = [("", row["quantity"], rule.seconds * row["quantity"])]
            parts += [(name, counts.get(name, 0), each * counts.get(name, 0)) for name, each in rule.per.items()]
            for driver, units, seconds in parts:
                key = (row["segment"], row["activity"], driver, row["no_order"], units)
                found = sums.setdefault(key, [0, 0])
                found[0] += row["n"]
                found[1] += row["n"] * seconds
        rows = [
            dict(zip(("segment", "activity", "driver", "no_order", "units"), key, strict=True))
            | {"n": n, "seconds": seconds, "n_orders": sizes.get(key[0], 0)}
            for key, (n, seconds) in sorted(sums.items())
        ]
        schema = {"segment": "string", "activity": "string", "driver": "string", "no_order": "bool", "units": "int64"}
        return ibis.memtable(rows, schema=ibis.schema(schema | dict.fromkeys(["n", "seconds", "n_orders"], "int64")))

    def standards(self) -> ir.Table:
        """One row a segment and driver for which ``cost.yaml`` declares a standard: units (an order)."""
        rows = [
            {"segment": segment, "driver": driver, "units": units}
            for segment, told in self.cost_rules.standards.items()
            for driver, units in told.items()
        ]
        return ibis.memtable(rows, schema=ibis.schema({"segment": "string", "driver": "string", "units": "float64"}))

    def give_or_take(self) -> ir.Table:
        """One row an activity or pool whose time or capacity is declared as unsure: kind, name, share (0-1)."""
        rules = self.cost_rules
        rows = [{"kind": "activity", "name": n, "share": r.give_or_take} for n, r in rules.activities.items()]
        rows += [{"kind": "pool", "name": name, "share": share} for name, share in rules.capacity_give_or_take.items()]
        rows = [row for row in rows if row["share"] > 0]
        return ibis.memtable(rows, schema=ibis.schema({"kind": "string", "name": "string", "share": "float64"}))

    def product_parts(self) -> ir.Table:
        """One row a pool, activity and product category: parts, in which its cost is shared among categories.

        An order's seconds are shared equally among its lines, its freight by weight where that of all its lines is
        known, else equally too; pool ``freight``: activity ``sent`` (handed over in the period) and ``ordered``
        (orders placed in it); pool ``handling``: ``order`` and ``line``, one each. What is of no order, or of one
        without lines, is of the category "(no article)".
        """
        goods = self.table("products").select("product_id", "category", "weight_g")
        lines = self.table("order_lines").left_join(goods, "product_id")
        lines = lines.mutate(
            category=lines.category.fill_null(stats.UNKNOWN),
            weight=lines.weight_g.cast("float64") * ibis.greatest(lines.quantity_ordered, 0),
        )
        of = lines.group_by("order_id").agg(
            lines=lines.count(),
            weight_in_all=ibis.ifelse(lines.weight.count() == lines.count(), lines.weight.sum(), 0.0),
        )
        own = lines.group_by(["order_id", "category"]).agg(own_lines=lines.count(), own_weight=lines.weight.sum())
        own = own.inner_join(of, "order_id")
        by_line = own.own_lines.cast("float64") / own.lines
        by_weight = ibis.ifelse(own.weight_in_all > 0, own.own_weight / own.weight_in_all, by_line)
        shares = own.select(_of="order_id", category="category", by_line=by_line, by_weight=by_weight)
        work, sent = self._pooled(self._work_in(self.period)), self._sent_in(self.period)
        live = self._placed_in(self.period)
        live = live.filter(live.cancelled_at.isnull())
        counted = live.left_join(of.select(_of="order_id", n="lines"), live.order_id == of.order_id)
        ordered = self._billed.semi_join(live, "order_id")
        rows = ibis.union(*[
            part.select("order_id", pool=pool, activity=activity, amount=amount.fill_null(0).cast("int64"))
            for part, pool, activity, amount in (
                (work, work.pool, work.activity, work.seconds),
                (sent, ibis.literal("freight"), ibis.literal("sent"), sent.freight_cost),
                (ordered, ibis.literal("freight"), ibis.literal("ordered"), ordered.freight_cost),
                (live, ibis.literal("handling"), ibis.literal("order"), ibis.literal(1)),
                (counted, ibis.literal("handling"), ibis.literal("line"), counted.n),
            )
        ])  # fmt: skip
        placed = rows.left_join(shares, rows.order_id == shares._of)
        share = ibis.ifelse(placed.pool == "freight", placed.by_weight, placed.by_line).fill_null(1.0)
        part = _rounded(placed.amount * 1000 * share)
        placed = placed.mutate(parts=part, category=placed.category.fill_null("(no article)"))
        return placed.group_by(["pool", "activity", "category"]).agg(parts=placed.parts.sum())

    def ledger_before(self) -> ir.Table:
        """``ledger`` of the four periods before this one, ago 1 to 4 (1: the last). The columns of ``ledger``."""
        return self._four_before.ledger()

    def capacity_before(self) -> ir.Table:
        """``capacity`` of the four periods before this one, ago 1 to 4 (1: the last). The columns of ``capacity``."""
        return self._four_before.capacity()

    def work_before(self) -> ir.Table:
        """One row a month, pool, activity and customer_id of the four periods before: ago (1 to 4), seconds."""
        before = self._four_before
        done, starts = before._work_in(before.period), [span.start for span in self._spans_before()]
        done = done.mutate(ago=_ago(done.happened_at, starts))
        sums = done.group_by(["ago", "month", "activity", "customer_id"]).agg(seconds=done.seconds.sum())
        return self._pooled(sums)

    def customers_before(self) -> ir.Table:
        """One row a customer and one of the four periods before this one, ``ago`` 1 to 4 (1: the last).

        customer_id; n_orders, n_lines; net_revenue, cost_of_goods (cents; empty unless known of every line); freight
        (cents) of the orders and freight_sent of what was handed over in the period; payment_fee (cents, as assumed).
        Orders not cancelled.
        """
        before = self._four_before
        ends = [span.start for span in self._spans_before()]
        orders, lines = before._placed_in(before.period), self.table("order_lines")
        orders = orders.filter(orders.cancelled_at.isnull())
        sums = lines.group_by("order_id").agg(
            n_lines=lines.count(),
            net_revenue=lines.net_revenue.sum(),
            cost_of_goods=ibis.ifelse(lines.cost_of_goods.count() == lines.count(), lines.cost_of_goods.sum(), None),
            unpriced=lines.net_revenue.count() < lines.count(),
        )
        bought = orders.select("order_id", "customer_id", "ordered_at").left_join(sums, "order_id")
        sent = self._shipments().select(_of="order_id", freight="freight")
        bought = bought.left_join(sent, bought.order_id == sent._of)
        fees = self._fees().select(_paid="order_id", payment_fee="payment_fee")
        bought = bought.left_join(fees, bought.order_id == fees._paid)
        left = before._sent_in(before.period)
        parts = [
            bought.select(
                "customer_id", ago=_ago(bought.ordered_at, ends), n_orders=ibis.literal(1),
                n_lines=bought.n_lines.fill_null(0), net_revenue=bought.net_revenue.fill_null(0),
                cost_of_goods=bought.cost_of_goods.fill_null(0), payment_fee=bought.payment_fee.fill_null(0),
                freight=bought.freight.fill_null(0),
                freight_sent=ibis.literal(0), unpriced=ibis.ifelse(bought.unpriced.fill_null(False), 1, 0),
                unknown=ibis.ifelse(bought.n_lines.notnull() & bought.cost_of_goods.isnull(), 1, 0),
            ),
            left.select(
                "customer_id", ago=_ago(left.shipped_at, ends), freight_sent=left.freight_cost.fill_null(0),
                **dict.fromkeys(_SUMS_BEFORE, ibis.literal(0)),
            ),
        ]  # fmt: skip
        columns = ["customer_id", "ago", *_SUMS_BEFORE, "freight_sent"]
        rows = ibis.union(
            *[part.select("customer_id", **{x: part[x].cast("int64") for x in columns[1:]}) for part in parts]
        )
        found = rows.group_by(["ago", "customer_id"]).agg(**{name: rows[name].sum() for name in columns[2:]})
        return found.mutate(
            net_revenue=ibis.ifelse(found.unpriced > 0, None, found.net_revenue),
            cost_of_goods=ibis.ifelse(found.unknown > 0, None, found.cost_of_goods),
        ).drop("unpriced", "unknown")

    def _spans_before(self) -> list[Period]:
        """The four periods before this one, the last first."""
        spans = [self.company.period(companies.previous(self.period.name))]
        while len(spans) < 4:
            spans.append(self.company.period(companies.previous(spans[-1].name)))
        return spans

    @cached_property
    def _four_before(self) -> "Known":
        """The four periods before this one as one span, known as this one is."""
        spans = self._spans_before()
        whole = Period(f"before {self.period.name}", spans[-1].start, spans[0].end, self.period.as_of)
        return Known(self.company, whole, self.warehouse)

    def sent_orders(self) -> ir.Table:
        """One row an order placed in the period, not cancelled by as_of, that was sent with a promise.

        order_id, customer_id; segment, channel, region on the grid; fulfilment, carrier ("(none)" where nobody
        carried it, "(several)" if they differ), site (it was sent from; the same); rush; ordered_at, promised_by; day,
        promised_day (dates in the company's zone), hour (of the order, there); delay_h (arrival or as_of minus
        promise, whole hours, rounded up: above 0 is late), window_h (from the begin of what is promised to its end, the
        same; empty without a begin); in_full, damaged (empty where contents are not known);
        quantity_ordered, quantity_delivered (pieces; the same); n_lines, net_revenue, cost_of_goods (cents; empty
        unless known for every line), n_shipments, freight (cents), weight_g, distance_m; stocked_ordered,
        stocked_delivered (pieces of articles that ran out at its site in the period, of orders with known contents),
        only_stock (it was short, and only of these).
        """
        placed = self._kept
        lines = self._lines_of(placed)
        sums = lines.group_by("order_id").agg(
            _lines=lines.count(),
            net_revenue=lines.net_revenue.sum(),
            cost_of_goods=ibis.ifelse(lines.cost_of_goods.count() == lines.count(), lines.cost_of_goods.sum(), None),
        )
        sent = self._carried(self._published(placed), placed)
        sent = sent.left_join(self._filled(placed), "order_id").drop("order_id_right")
        sent = sent.left_join(sums, "order_id").drop("order_id_right")
        sent = sent.left_join(self._out_of_stock(placed), "order_id").drop("order_id_right")
        stocked = {name: sent[name].fill_null(0) for name in ("stocked_ordered", "stocked_delivered")}
        return sent.select(
            "order_id", "customer_id", *GRID_DIMENSIONS, "fulfilment", "carrier", "site", "rush", "ordered_at",
            "promised_by", "delay_h", "quantity_ordered", "quantity_delivered", "net_revenue", "cost_of_goods",
            "n_shipments", "freight", "weight_g", "distance_m",
            day=sent.ordered_at.date(), promised_day=sent.promised_by.date(), hour=sent.ordered_at.hour().cast("int64"),
            window_h=(self._seconds(sent.promised_by, sent.promised_from) / 3600).ceil().cast("int64"),
            in_full=sent.n_lines_in_full == sent.n_lines, damaged=sent.n_lines_damaged > 0,
            n_lines=sent._lines.fill_null(0), **stocked, only_stock=sent.only_stock.fill_null(False),
        )  # fmt: skip

    def _out_of_stock(self, of: ir.Table) -> ir.Table:
        """One row an order ``of`` some with articles that ran out at its site in the period: what of them arrived."""
        counts, sites = self._counts, of.select("order_id", _at="site_id")
        gone = counts.filter(counts.on_hand == 0).select(_site="site_id", _article="product_id").distinct()
        lines = self._filled_lines(of).inner_join(sites, "order_id")
        lines = lines.left_join(gone, [lines._at == gone._site, lines.product_id == gone._article])
        stocked = lines._article.notnull()
        found = lines.group_by("order_id").agg(
            stocked_ordered=ibis.ifelse(stocked, lines.quantity_ordered, 0).sum(),
            stocked_delivered=ibis.ifelse(stocked, lines.arrived, 0).sum(),
            _short=(~lines.full).any(),
            _others=(~lines.full & lines._article.isnull()).any(),
        )
        found = found.filter(found.stocked_ordered > 0)
        return found.mutate(only_stock=found._short & ~found._others).drop("_short", "_others")

    def _carried(self, orders: ir.Table, of: ir.Table) -> ir.Table:
        """Orders ``of`` some that were sent with a promise: way, delay and what their shipments bore."""
        sent = self._shipments(of)
        rows = orders.inner_join(sent.filter(sent.promised_by.notnull()), "order_id")
        until = ibis.ifelse(rows.n_arrived == rows.n_shipments, rows.last_arrival, _instant(self.period.as_of))
        several = {"carrier": rows.n_carriers, "site": rows.n_sites}
        named = {
            name: ibis.ifelse(count > 1, "(several)", rows[name].fill_null("(none)")) for name, count in several.items()
        }
        hours = (self._seconds(until, rows.promised_by) / 3600).ceil().cast("int64")
        return rows.mutate(
            **named,
            fulfilment=rows.fulfilment.fill_null(stats.UNKNOWN),
            rush=rows.rush.fill_null(False),
            delay_h=ibis.ifelse((rows.n_arrived < rows.n_shipments) & ~rows.late, 0, hours),
        )

    def delays(self) -> ir.Table:
        """One row a week, way, lane and delay of orders of the period and the four before, sent with a promise.

        week (weeks from the period's first day: below 0 before it), fulfilment, carrier, site, region (of the grid),
        rush, delay_h as in ``sent_orders``; n (orders), of which n_far have a known distance, and its sum,
        distance_m. Not cancelled, as known at this period's as_of.
        """
        rows = self._carried(self._published(self._recent), self._recent)
        days = rows.ordered_at.date().delta(ibis.literal(self.period.start.date()), unit="day")
        rows = rows.mutate(week=(days / 7).floor().cast("int64"))
        return rows.group_by(["week", "fulfilment", "carrier", "site", "region", "rush", "delay_h"]).agg(
            n=rows.count(), n_far=rows.distance_m.count(), distance_m=rows.distance_m.sum().fill_null(0)
        )

    def freight_moments(self) -> ir.Table:
        """One row a carrier, and the orders of ``delays`` before the period or of it: what a tariff is fitted to.

        before, carrier; n (orders whose freight, weight and distance are known) and the sums over them of the products
        of two of s (shipments), w (weight, whole 100 g), d (shipments x distance, whole 100 m) and f (freight, cents):
        ss, sw, sd, sf, ww, wd, wf, dd, df, ff.
        """
        rows = self._carried(self._recent, self._recent)
        rows = rows.filter(rows.freight.notnull() & rows.weight_g.notnull() & rows.distance_m.notnull())
        rows = rows.select(
            "carrier", before=rows.ordered_at < _instant(self.period.start), s=rows.n_shipments.cast("int64"),
            w=(rows.weight_g / 100).floor().cast("int64"), f=rows.freight.cast("int64"),
            d=rows.n_shipments.cast("int64") * (rows.distance_m / 100).floor().cast("int64"),
        )  # fmt: skip
        pairs = itertools.combinations_with_replacement("swdf", 2)
        sums = {one + two: (rows[one] * rows[two]).sum().cast("int64") for one, two in pairs}
        return rows.group_by(["before", "carrier"]).agg(n=rows.count(), **sums)

    @property
    def _kept(self) -> ir.Table:
        """Orders of the period, not cancelled."""
        placed = self._placed_in(self.period)
        return placed.filter(placed.cancelled_at.isnull())

    @property
    def _recent(self) -> ir.Table:
        """Orders of the period and the four before it, not cancelled."""
        orders = self.table("orders")
        first = _instant(self._spans_before()[-1].start)
        inside = (orders.ordered_at >= first) & (orders.ordered_at < _instant(self.period.end))
        return orders.filter(inside & orders.cancelled_at.isnull())

    def failure_work(self) -> ir.Table:
        """One row an activity done after failures, and kind of order that it is done for, of ``delays``' orders.

        before (the period), activity, pool; late, short, damaged (of the order; the last two empty where contents
        are not known); n (orders of that kind), seconds (of the activity, for all of them).
        """
        orders = self._recent
        rows = self._carried(orders, orders).left_join(self._filled(orders), "order_id").drop("order_id_right")
        rows = rows.select(
            "order_id", before=rows.ordered_at < _instant(self.period.start), late=rows.delay_h > 0,
            short=rows.n_lines_in_full < rows.n_lines, damaged=rows.n_lines_damaged > 0,
        )  # fmt: skip
        done = self._work_of(orders, self.policy_rules.after_failure)
        kinds = ["before", "late", "short", "damaged"]
        worked = rows.inner_join(done, "order_id").group_by([*kinds, "activity", "pool"])
        counted = rows.group_by(kinds).agg(n=rows.count())
        sums = worked.agg(seconds=lambda found: found.seconds.sum())
        sums = sums.rename({f"_{name}": name for name in kinds})
        activities = [
            {"_activity": name, "_pool": self.cost_rules.activities[name].pool}
            for name in self.policy_rules.after_failure
            if name in self.cost_rules.activities
        ]
        every = ibis.memtable(activities, schema=ibis.schema({"_activity": "string", "_pool": "string"}))
        found = counted.cross_join(every)
        pairs = [found[name].fill_null(False) == sums[f"_{name}"].fill_null(False) for name in kinds]
        pairs += [found[name].isnull() == sums[f"_{name}"].isnull() for name in kinds[2:]]
        found = found.left_join(sums, [*pairs, found._activity == sums.activity])
        return found.select(*kinds, "n", activity="_activity", pool="_pool", seconds=found.seconds.fill_null(0))

    def sent_work(self) -> ir.Table:
        """One row an order of ``sent_orders`` and activity done for it, but for those after failures.

        order_id, activity, pool, seconds.
        """
        placed = self._kept
        placed = placed.semi_join(self._carried(placed, placed), "order_id")
        after = self.policy_rules.after_failure
        return self._work_of(placed, [name for name in self.cost_rules.activities if name not in after])

    def _work_of(self, orders: ir.Table, activities: Sequence[str]) -> ir.Table:
        """Seconds of some activities by order, whenever they were done by as_of."""
        first = self._spans_before()[-1].start
        span = Period("", first, self.period.as_of, self.period.as_of)
        done = self._timed(self._done_in(span, ibis._.order_id.notnull(), ibis._.activity.isin(list(activities))), span)
        done = self._pooled(done.semi_join(orders, "order_id"))
        return done.group_by(["order_id", "activity", "pool"]).agg(seconds=done.seconds.sum())

    def statuses(self) -> ir.Table:
        """One row an order of ``sent_orders`` that was asked about, or of which a status was sent.

        order_id, customer_id, segment, channel, region; asked (a question, complaint or tracking view), told (a status
        sent), told_first (before the first of these, or without one).
        """
        placed = self._kept
        events = self.table("service_events").semi_join(placed, "order_id")
        told = events.kind == "status_sent"
        asked = events.kind.isin(["question", "complaint", "tracking_view"])
        first = events.filter(told | asked).group_by("order_id").agg(
            _told=events.happened_at.min(where=told), _asked=events.happened_at.min(where=asked)
        )  # fmt: skip
        rows = self._carried(self._published(placed), placed).inner_join(first, "order_id")
        before = (rows._told < rows._asked).fill_null(rows._told.notnull())
        return rows.select(
            "order_id", "customer_id", *GRID_DIMENSIONS,
            asked=rows._asked.notnull(), told=rows._told.notnull(), told_first=before,
        )  # fmt: skip

    # -- value disciplines -----------------------------------------------------------------------

    def floors(self) -> ir.Table:
        """One row a floor of ``targets.yaml``, in its order.

        position; measure, at_least (share 0-1); segment, channel (empty: all); department (whose answers are timed;
        empty: all); hours (within which an answer is in time).
        """
        found = declared(self.company, "targets.yaml")
        rows = [{"position": position} | one.model_dump() for position, one in enumerate(found.floors)]
        types = {float: "float64", int: "int64"}
        schema = {name: types.get(field.annotation, "string") for name, field in Floor.model_fields.items()}
        return ibis.memtable(rows, schema=ibis.schema({"position": "int64"} | schema))

    def disciplines(self) -> ir.Table:
        """One row a measure of ``disciplines.yaml``: position, discipline, measure, threshold, excellent, weight."""
        rules = declared(self.company, "disciplines.yaml")
        rows = [
            {"discipline": name, "measure": measure} | anchor.model_dump()
            for name in DISCIPLINES
            for measure, anchor in getattr(rules, name).items()
        ]
        told = [{"position": at} | row for at, row in enumerate(rows)]
        schema = {"position": "int64", "discipline": "string", "measure": "string"}
        return ibis.memtable(
            told, schema=ibis.schema(schema | dict.fromkeys(["threshold", "excellent", "weight"], "float64"))
        )

    def intended(self) -> ir.Table:
        """One row a segment of which ``disciplines.yaml`` says what it is meant to lead in: segment, discipline."""
        rules = declared(self.company, "disciplines.yaml")
        rows = [{"segment": segment, "discipline": each} for segment, each in rules.segments.items()]
        return ibis.memtable(rows, schema=ibis.schema({"segment": "string", "discipline": "string"}))

    def felt_rules(self) -> ir.Table:
        """One row: felt_item, felt_at_least (share), spend_low, spend_high (shares) of ``disciplines.yaml``."""
        rules = declared(self.company, "disciplines.yaml")
        row = {"felt_item": rules.felt_item, "felt_at_least": rules.felt_at_least}
        return ibis.memtable([row | dict(zip(("spend_low", "spend_high"), rules.spend_band, strict=True))])

    def contacts(self) -> ir.Table:
        """One row a question or complaint, by as_of, made in the period or about an order placed in it (not cancelled).

        event_id, order_id, customer_id; segment, channel, region on the grid (of its order: others are left out); kind,
        department; answered, wait_s (seconds to the answer; to as_of where none came), in_period (made in the period),
        of_period (about an order placed in it).
        """
        events = self.table("service_events")
        events = events.filter(events.kind.isin(["question", "complaint"]))
        placed = self.table("orders").filter(ibis._.cancelled_at.isnull())
        placed = self._published(placed.semi_join(events, "order_id"))
        placed = placed.select(
            *GRID_DIMENSIONS, _of="order_id", _who="customer_id",
            of_period=ibis.and_(*_in(self.period, placed.ordered_at)),
        )  # fmt: skip
        rows = events.inner_join(placed, events.order_id == placed._of)
        until = ibis.coalesce(rows.answered_at, _instant(self.period.as_of))
        inside = ibis.and_(*_in(self.period, rows.happened_at))
        rows = rows.mutate(in_period=inside, wait_s=self._seconds(until, rows.happened_at))
        rows = rows.filter(rows.in_period | rows.of_period)
        return rows.select(
            "event_id", "order_id", *GRID_DIMENSIONS, "kind", "wait_s", "in_period", "of_period",
            answered=rows.answered_at.notnull(), customer_id="_who",
            department=rows.department.fill_null(stats.UNKNOWN),
        )  # fmt: skip

    def novelty(self) -> ir.Table:
        """One row a customer who ordered in the period (not cancelled): revenue with new articles, and with all.

        customer_id, segment ("(other)" if profiling is refused); net_revenue, new_revenue (cents; of articles first
        sold in the 52 weeks up to the period's end). No row unless the company's orders begin a year before these.
        """
        year = self._year.start
        orders, lines = self.table("orders"), self.table("order_lines")
        orders = orders.filter(orders.cancelled_at.isnull() & (orders.ordered_at < _instant(self.period.end)))
        long = orders.ordered_at.min() < _instant(year - timedelta(weeks=52))
        old = orders.filter(orders.ordered_at < _instant(year))
        known = lines.semi_join(old, "order_id").select(_known="product_id").distinct()
        mine = orders.filter(orders.ordered_at >= _instant(self.period.start)).select("order_id", "customer_id")
        mine = self._of_segments(mine).select("customer_id", "segment", _order="order_id")
        bought = lines.inner_join(mine, lines.order_id == mine._order)
        bought = bought.left_join(known, bought.product_id == known._known)
        bought = bought.filter(orders.agg(_long=long)._long.as_scalar())
        return bought.group_by(["customer_id", "segment"]).agg(
            net_revenue=bought.net_revenue.sum(),
            new_revenue=bought.net_revenue.sum(where=bought._known.isnull()).fill_null(0),
        )

    # -- governance ------------------------------------------------------------------------------

    def periods(self) -> ir.Table:
        """One row this period and each of the 12 of its length before it: ago (0: this one), period, first_day,
        last_day, year_ago (is it a year before this one?)."""
        spans, begin = [self.period], self.period.start
        while len(spans) <= 12:
            spans.append(self.company.period(companies.previous(spans[-1].name)))
        rows = [
            {"ago": ago, "period": one.name, "first_day": one.start.date(), "last_day": _midnight(one.end, -1).date()}
            | {"year_ago": one.start == begin.replace(year=begin.year - 1)}
            for ago, one in enumerate(spans)
        ]
        return ibis.memtable(pd.DataFrame(rows))

    def targets(self) -> ir.Table:
        """One row a target of the scorecard in ``targets.yaml``, in its order.

        position; measure, at_least, at_most (in the measure's unit; one of them); segment, channel (empty: all); owner.
        """
        found = declared(self.company, "targets.yaml")
        rows = [{"position": position} | one.model_dump() for position, one in enumerate(found.scorecard)]
        schema = {"position": "int64"} | {
            name: "float64" if name.startswith("at_") else "string" for name in Target.model_fields
        }
        return ibis.memtable(rows, schema=ibis.schema(schema))

    def renamed(self) -> ir.Table:
        """One row a segment that ``targets.yaml`` says was renamed: was, now."""
        found = declared(self.company, "targets.yaml").renamed
        rows = [{"was": was, "now": now} for was, now in found.items()]
        return ibis.memtable(rows, schema=ibis.schema({"was": "string", "now": "string"}))

    def decisions(self) -> ir.Table:
        """One row a decision of ``decisions.yaml``, in its order.

        position, name, starts, month (that it begins in), begun (by the period's end), where (as JSON), team, owner,
        root_cause, countermeasure, follows, rebases (as JSON); measure, change, low, high (empty: nothing expected);
        check_on, check_period (of this one's length, that the day lies in), begun_period and before_period (that it
        began in, and the one before).
        """
        rows = []
        for position, one in enumerate(declared(self.company, "decisions.yaml").decisions):
            expects = one.expects.model_dump() if one.expects else {}
            texts = {name: getattr(one, name) for name in ("team", "owner", "root_cause", "countermeasure", "follows")}
            row = {"position": position, "name": one.name, "starts": one.starts, "month": one.starts.replace(day=1)}
            row["begun"] = one.starts < self.period.end.date()
            row |= texts | {"where": json.dumps(one.where), "rebases": json.dumps(one.rebases)}
            row |= {name: expects.get(name) for name in ("measure", "change", "low", "high")}
            begun = companies.around(one.starts, self.period.name)
            row |= {"begun_period": begun, "before_period": companies.previous(begun), "check_on": one.check_on}
            row["check_period"] = companies.around(one.check_on, self.period.name) if one.check_on else None
            rows.append(row)
        schema = {"position": "int64", "begun": "boolean"} | dict.fromkeys(["starts", "month", "check_on"], "date")
        schema |= dict.fromkeys(["change", "low", "high"], "float64")
        texts = ["name", "where", "team", "owner", "root_cause", "countermeasure", "follows", "rebases", "measure"]
        schema |= dict.fromkeys([*texts, "check_period", "begun_period", "before_period"], "string")
        return ibis.memtable([{name: row[name] for name in schema} for row in rows], schema=ibis.schema(schema))

    # -- months since the first order ------------------------------------------------------------

    @cached_property
    def _since_first(self) -> Period:
        """From the month of the company's first order to the period's end."""
        first = self.warehouse.backend.to_pyarrow(self.table("orders").ordered_at.min()).as_py()
        start = min(first.astimezone(self.company.zone), self.period.start) if first else self.period.start
        start = datetime(start.year, start.month, 1, tzinfo=self.company.zone)
        return Period("", start, self.period.end, self.period.as_of)

    def _by_month(self, rows: ir.Table, moment: ir.Value) -> ir.Table:
        """Rows of the months since the first order, with month and ``_closing``: its end plus closing days."""
        span, days = self._since_first, self.company.settings.closing_days
        parts = [
            (moment >= _instant(part.start), _instant(_midnight(part.end, days)))
            for part in reversed(_months(span))
        ]  # fmt: skip
        closing = ibis.cases(*parts, else_=None)
        return rows.mutate(month=_month_of(moment, span), _closing=closing).filter(*_in(span, moment))

    def _of_segments_then(self, rows: ir.Table) -> ir.Table:
        """Rows by month with their customer's segment as it was on the first day of that year, on the grid.

        Under the name that ``targets.yaml`` says it has now. A segment that the grid does not publish by itself is
        "(other)", and so is who has refused profiling by as_of.
        """
        years = range(self._since_first.start.year, self.period.end.year + 1)
        begins = [{"_year": each, "_begins": datetime(each, 1, 1, tzinfo=self.company.zone)} for each in years]
        begins = ibis.memtable(begins, schema=ibis.schema({"_year": "int64", "_begins": "timestamp('UTC')"}))
        spans = self._spans()
        held = spans.inner_join(begins, spans.valid_to > begins._begins)
        first = ibis.window(group_by=["customer_id", "_year"], order_by="valid_from")
        held = held.mutate(_row=ibis.row_number().over(first))
        segment = held[self.company.settings.segment].cast("string")
        held = held.filter(held._row == 0).select(_who="customer_id", _then="_year", _segment=segment)
        consent = self._frozen_segments().select("_member", "_consent")
        rows = rows.left_join(consent, rows.customer_id == consent._member)
        rows = rows.left_join(held, [rows.customer_id == held._who, rows.month.year().cast("int64") == held._then])
        published = sorted(set(self.grid["published_segment"]) if len(self.grid) else ())
        known = rows._segment.fill_null(stats.UNKNOWN)
        if names := declared(self.company, "targets.yaml").renamed:
            known = ibis.cases(*[(known == was, now) for was, now in names.items()], else_=known)
        shown = known.isin(published) & (rows._consent.fill_null(True) != False)  # noqa: E712 - an expression
        return rows.mutate(segment=ibis.ifelse(shown, known, stats.OTHER)).drop(
            "_member", "_consent", "_who", "_then", "_segment"
        )

    def month_orders(self) -> ir.Table:
        """One row a calendar month since the first order, and segment: its orders as known at its end and closing days.

        month (its first day), segment (as it was on that year's first day); n_orders (placed, not cancelled by then),
        n_priced (their lines are known), net_revenue (cents, of these); n_due (a promise that fell due by then),
        n_on_time; n_filled (what their shipments held is known), n_otif; n_complained (about which a complaint was made
        by then; empty before the first month with any); n_customers, and of those with such orders n_customers_priced,
        n_customers_due, n_customers_filled.
        """
        orders = self._by_month(self.table("orders"), self.table("orders").ordered_at)
        orders = orders.filter(orders.cancelled_at.isnull() | (orders.cancelled_at >= orders._closing))
        orders = self._of_segments_then(orders).select("order_id", "customer_id", "month", "segment", "_closing")
        lines = self.table("order_lines")
        paid = lines.group_by(_priced="order_id").agg(revenue=lines.net_revenue.sum())
        sent = self._shipments().select(_sent="order_id", promised_by="promised_by", late="late")
        filled = self._filled(sent.select(order_id="_sent"))
        filled = filled.select(_filled="order_id", full=filled.n_lines_in_full == filled.n_lines)
        events = self.table("service_events")
        events = events.filter((events.kind == "complaint") & events.order_id.notnull())
        told = events.group_by(_told="order_id").agg(first=events.happened_at.min())
        rows = orders.left_join(paid, orders.order_id == paid._priced)
        rows = rows.left_join(sent, rows.order_id == sent._sent)
        rows = rows.left_join(filled, rows.order_id == filled._filled)
        rows = rows.left_join(told, rows.order_id == told._told)
        due = (rows.promised_by < rows._closing).fill_null(False)
        known, on_time = due & rows._filled.notnull(), due & (rows.late == False).fill_null(False)  # noqa: E712
        counted = {
            "n_priced": rows.revenue.notnull(), "n_due": due, "n_on_time": on_time, "n_filled": known,
            "n_otif": known & on_time & rows.full.fill_null(False),
            "n_complained": (rows.first < rows._closing).fill_null(False),
        }  # fmt: skip
        rows = rows.mutate(**{name: ibis.ifelse(flag, 1, 0) for name, flag in counted.items()})
        each = rows.group_by(["month", "segment", "customer_id"]).agg(
            n_orders=rows.count(), net_revenue=rows.revenue.sum().fill_null(0),
            **{name: rows[name].sum() for name in counted},
        )  # fmt: skip
        found = each.group_by(["month", "segment"]).agg(
            **{name: each[name].sum() for name in ("n_orders", "net_revenue", *counted)},
            n_customers=each.count(),
            **{
                f"n_customers_{name}": ibis.ifelse(each[f"n_{name}"] > 0, 1, 0).sum()
                for name in ("priced", "due", "filled")
            },
        )  # fmt: skip
        begun = found.month.min(where=found.n_complained > 0).over(ibis.window())
        return found.mutate(n_complained=ibis.ifelse(found.month >= begun, found.n_complained, None))

    def month_answers(self) -> ir.Table:
        """One row an answer to recommend about an order, by the month that it was placed in, known as in month_orders.

        response_id, customer_id, month, segment (as in month_orders), item, scale, score.
        """
        asked, orders = self.table("surveys"), self.table("orders").select(_order="order_id", ordered_at="ordered_at")
        asked = asked.filter((asked.item == "recommend") & asked.score.notnull())
        rows = asked.inner_join(orders, asked.order_id == orders._order)
        rows = self._by_month(rows, rows.ordered_at)
        rows = self._of_segments_then(rows.filter(rows.answered_at < rows._closing))
        return rows.select("response_id", "customer_id", "month", "segment", "item", "scale", "score")

    def month_wishes(self) -> ir.Table:
        """One row a month since the first order, and segment as in month_orders: n (wishes), n_met, n_customers."""
        rows = self.table("shopping_intents")
        rows = self._of_segments_then(self._by_month(rows, rows.occurred_at))
        rows = rows.mutate(
            _person=ibis.coalesce(rows.customer_id, rows.intent_id),
            _met=ibis.ifelse(rows.outcome.isin(["unavailable", "not_ranged"]), 0, 1),
        )
        each = rows.group_by(["month", "segment", "_person"]).agg(n=rows.count(), n_met=rows._met.sum())
        return each.group_by(["month", "segment"]).agg(n=each.n.sum(), n_met=each.n_met.sum(), n_customers=each.count())

    def month_supplies(self) -> ir.Table:
        """One row a month since the first order, and supplier_id: n (lines of purchase orders promised in it),
        n_on_time."""
        rows = self.table("supplier_receipts")
        rows = self._by_month(rows, rows.promised_at)
        kept = ibis.ifelse((rows.received_at <= rows.promised_at).fill_null(False), 1, 0)
        return rows.group_by(["month", "supplier_id"]).agg(n=rows.count(), n_on_time=kept.sum())

    def month_postings(self) -> ir.Table:
        """One row a month since the first order that the ledger has postings of: month, amount (cents)."""
        rows, span = self.table("ledger"), self._since_first
        first, end = ibis.literal(span.start.date()), ibis.literal(span.end.date())
        rows = rows.filter((rows.month >= first) & (rows.month < end))
        return rows.group_by("month").agg(amount=rows.amount.sum())

    # -- agreements and requests -----------------------------------------------------------------

    def agreed_terms(self) -> ir.Table:
        """One row a term of an agreement in force at the end of the period (ago 0) and of the four before (ago 1 to 4).

        ago, agreement_id, customer_id, segment ("(other)" if profiling is refused), term, value (lower case),
        department. Of two values in force at once, the one that came into force last; as known at this period's as_of.
        """
        terms = self._of_segments(self.table("agreements"))
        spans = []
        for ago, end in enumerate([self.period.end, *(span.end for span in self._spans_before())]):
            at = _instant(end)
            held = terms.filter((terms.valid_from.isnull() | (terms.valid_from < at)) & (
                terms.valid_to.isnull() | (terms.valid_to >= at)
            ))  # fmt: skip
            since = held.valid_from.fill_null(_instant(_ALWAYS))
            newest = ibis.window(group_by=["agreement_id", "term"], order_by=[since.desc(), held.value])
            spans.append(held.mutate(ago=ibis.literal(ago, "int64"), _row=ibis.row_number().over(newest)))
        rows = ibis.union(*spans).filter(lambda found: found._row == 0)
        return rows.select(
            "ago", "agreement_id", "customer_id", "segment", "term", "department", value=rows.value.lower()
        )

    def requests(self) -> ir.Table:
        """One row a request of the 52 weeks up to the period's end.

        request_id, customer_id, segment ("(other)" if profiling is refused), request_type.
        """
        asked = self.table("requests")
        asked = asked.filter(*_in(self._year, asked.requested_at))
        return self._of_segments(asked).select("request_id", "customer_id", "segment", "request_type")

    @property
    def _year(self) -> Period:
        """The 52 weeks up to the period's end."""
        return Period("", self.period.end - timedelta(weeks=52), self.period.end, self.period.as_of)

    def request_evidence(self) -> ir.Table:
        """One row a customer, measure and value: how many of the customer's orders of the 52 weeks have that value.

        Of customers in segments that made a request in these weeks, profiling not refused; orders not cancelled by
        as_of. customer_id, segment, measure (as in ``EVIDENCE``, but for what follows from others), value (0 or 1;
        order_size: pieces; order_gap: days since the order before), n.
        """
        people = self._of_segments(self.table("customers").select("customer_id").distinct())
        asking = self.requests().select(_asked="segment").distinct()
        people = people.semi_join(asking, people.segment == asking._asked).filter(people.segment != stats.OTHER)
        people = people.select("segment", _person="customer_id")
        every = self.table("orders").filter(ibis._.cancelled_at.isnull())
        every = every.semi_join(people, every.customer_id == people._person)
        before = every.ordered_at.lag().over(ibis.window(group_by="customer_id", order_by=["ordered_at", "order_id"]))
        every = every.mutate(_gap=every.ordered_at.date().delta(before.date(), unit="day"))
        orders = every.filter(*_in(self._year, every.ordered_at))
        orders = orders.inner_join(people, orders.customer_id == people._person)
        orders = orders.select("order_id", "customer_id", "segment", "ordered_at", "site_id", "rush", "_gap")
        lines = self._lines_of(orders)
        pieces = lines.group_by(_order="order_id").agg(_pieces=lines.quantity_ordered.sum())
        sized = orders.left_join(pieces, orders.order_id == pieces._order)
        sent, filled, received = self._shipments(orders), self._filled(orders), self._received(orders)
        told = {
            "late": (sent.filter(sent.promised_by.notnull()), "late"),
            "short": (filled.mutate(_short=filled.n_lines_in_full < filled.n_lines), "_short"),
            "window_missed": (received, "in_window"),
            "stock_out": (self._ran_out(orders), "_out"),
        }
        found = [
            sized.select("customer_id", "segment", measure=ibis.literal(name), value=value)
            for name, value in (
                ("rush", _flag(sized.rush)),
                ("order_size", sized._pieces.cast("int64")),
                ("order_gap", sized._gap.cast("int64")),
            )
        ]
        for name, (rows, column) in told.items():
            rows = rows.select(_of="order_id", _told=_flag(rows[column], missed=name == "window_missed"))
            both = orders.inner_join(rows, orders.order_id == rows._of)
            found.append(both.select("customer_id", "segment", measure=ibis.literal(name), value=both._told))
        rows = ibis.union(*found)
        keys = ["customer_id", "segment", "measure", "value"]
        return rows.filter(rows.value.notnull()).group_by(keys).agg(n=lambda kept: kept.count())

    def _ran_out(self, orders: ir.Table) -> ir.Table:
        """One row an order of articles that are counted where it was placed: was one gone at the next count?"""
        counts = self.table("stock_levels")
        near = ibis.window(group_by=["site_id", "product_id"], order_by="day")
        spans = counts.mutate(_before=counts.day.lag().over(near))
        spans = spans.select("_before", _site="site_id", _article="product_id", _day="day", _gone=spans.on_hand == 0)
        placed = orders.select("order_id", _at_site="site_id", _on=orders.ordered_at.date())
        bought = self._lines_of(orders).select("order_id", "product_id").inner_join(placed, "order_id")
        inside = [
            bought._at_site == spans._site, bought.product_id == spans._article, spans._before < bought._on,
            bought._on <= spans._day, spans._day.delta(spans._before, unit="day") <= 31,
        ]  # fmt: skip
        return bought.inner_join(spans, inside).group_by("order_id").agg(_out=lambda rows: rows._gone.any())

    def agreed_orders(self) -> ir.Table:
        """One row an order of the period, not cancelled by as_of, of customers in segments that hold agreements.

        order_id, customer_id, agreement_id (empty: none); segment, channel, region on the grid; fulfilment,
        order_class, rush, n_lines, quantity (pieces), weight_g, net_revenue, freight (cents), late (empty without a
        promise), complaint (any).
        """
        rows, holders = self.orders(), self.agreed_terms()
        holders = holders.filter((holders.ago == 0) & (holders.segment != stats.OTHER))
        mine = self._of_segments(self.table("orders").select("order_id", "customer_id"))
        known = holders.select(_holds="segment").distinct()
        mine = mine.semi_join(known, mine.segment == known._holds).select(_mine="order_id")
        rows = rows.filter(~rows.cancelled)
        rows = rows.semi_join(mine, rows.order_id == mine._mine)
        under = self.table("orders").select("agreement_id", "rush", _order="order_id")
        sent = self._shipments(self._kept)
        sent = sent.filter(sent.promised_by.notnull()).select("late", _sent="order_id")
        upset = self.table("service_events")
        upset = upset.filter(upset.kind == "complaint").select(_upset="order_id").distinct()
        rows = rows.left_join(under, rows.order_id == under._order)
        rows = rows.left_join(sent, rows.order_id == sent._sent)
        rows = rows.left_join(upset, rows.order_id == upset._upset)
        return rows.select(
            "order_id", "customer_id", "agreement_id", *GRID_DIMENSIONS, "order_class", "n_lines", "quantity",
            "weight_g", "net_revenue", "late", fulfilment=rows.fulfilment.fill_null(stats.UNKNOWN),
            rush=rows.rush.fill_null(False), freight=rows.freight.fill_null(0), complaint=rows._upset.notnull(),
        )  # fmt: skip

    def agreed_work(self) -> ir.Table:
        """One row an order_id of ``agreed_orders`` and pool: seconds of all work done for it by as_of."""
        done = self._work_of(self.agreed_orders().select("order_id"), list(self.cost_rules.activities))
        return done.group_by(["order_id", "pool"]).agg(seconds=done.seconds.sum())

    def needs(self) -> ir.Table:
        """One row a statement of ``needs.yaml``, in its order: position, what, name, key, value.

        what: request (name: type, value: need), evidence (name: need, key: measure, value: more or less), covers (name:
        solution, value: need), cents_a_year (name: solution), is (name: solution, key: term, value), standard (key:
        term, value; one row without a term: a standard without terms is declared), weight (key: term), same (name:
        term, key: as worded, value: as meant). Values of terms are lower case and trimmed.
        """
        rules = declared(self.company, "needs.yaml")
        rows = [("request", kind, "", need) for kind, several in rules.requests.items() for need in several]
        rows += [("evidence", name, *each) for name, need in rules.needs.items() for each in need.evidence.items()]
        for name, one in rules.solutions.items():
            rows += [("covers", name, "", need) for need in one.covers]
            rows.append(("cents_a_year", name, "", str(one.cents_a_year)))
            rows += [("is", name, term, _meant(value)) for term, value in one.terms.items()]
        standard = [] if rules.standard is None else list(rules.standard.items()) or [("", "")]
        rows += [("standard", "", term, _meant(value)) for term, value in standard]
        for term, rule in rules.terms.items():
            rows.append(("weight", "", term, str(rule.weight)))
            rows += [
                ("same", term, _meant(worded), _meant(meant)) for meant, words in rule.same.items() for worded in words
            ]
        names = ["what", "name", "key", "value"]
        told = [{"position": at} | dict(zip(names, row, strict=True)) for at, row in enumerate(rows)]
        return ibis.memtable(told, schema=ibis.schema({"position": "int64"} | dict.fromkeys(names, "string")))

    def policies(self) -> ir.Table:
        """One row a lever of a policy of ``policies.yaml``, in its order, and what holds for all of them.

        position, policy ("" for what holds for all), lever (as in ``Policy``; segment, channel, region: what it is
        for; budget, holding_percent, per_shipment, after_failure), key (of what, "" where there is one value), value.
        """
        rules = self.policy_rules
        alone = {name: getattr(rules, name) for name in ("budget", "holding_percent")}
        rows = [("", name, "", str(value)) for name, value in alone.items() if value]
        rows += [("", name, "", each) for name in ("per_shipment", "after_failure") for each in getattr(rules, name)]
        for policy in rules.policies:
            rows += [(policy.name, name, "", each) for name in GRID_DIMENSIONS for each in getattr(policy, name)]
            rows += [(policy.name, *lever) for lever in policy.levers()]
        names = ["policy", "lever", "key", "value"]
        told = [{"position": at} | dict(zip(names, row, strict=True)) for at, row in enumerate(rows)]
        return ibis.memtable(told, schema=ibis.schema({"position": "int64"} | dict.fromkeys(names, "string")))

    @cached_property
    def policy_rules(self) -> Policies:
        """The company's ``policies.yaml``, or no policy where there is none."""
        return declared(self.company, "policies.yaml")

    def support(self) -> ir.Table:
        """One row a pool that another pool serves, in order of ``cost.yaml``: position, pool, served, parts, method."""
        rule = self.cost_rules.support
        rows = [
            {"position": place, "pool": pool, "served": name, "parts": parts, "method": rule.method}
            for place, (pool, served) in enumerate(rule.serves.items() if rule else [])
            for name, parts in served.items()
        ]
        schema = {"position": "int64", "pool": "string", "served": "string", "parts": "int64", "method": "string"}
        return ibis.memtable(rows, schema=ibis.schema(schema))

    def cost_faults(self) -> ir.Table:
        """One row a fault in what costs are made of, in the period: fault, name, n (rows).

        Activities without a time equation, drivers that an equation does not know, work that would take less than no
        time, work for nobody, and what the entry checks set aside.
        """
        done, rules = self._done_in(self.period), self.cost_rules.activities
        timed = self._timed(done.filter(done.activity.isin(list(rules))), self.period, None)
        nobody = self._work_in(self.period)
        faults = {
            "activity without a time equation": done.filter(done.activity.notin(list(rules))),
            "time below 0, counted as none": timed.filter(timed.seconds < 0),
            "work for no known customer": nobody.filter(nobody.customer_id.isnull()),
        }
        tables = [
            rows.group_by(name=rows.activity).agg(n=rows.count()).mutate(fault=ibis.literal(fault))
            for fault, rows in faults.items()
        ]
        told, strange = timed.filter(timed.drivers.notnull()), {}
        kinds = told.group_by(["activity", "drivers"]).agg(n=told.count())
        for row in self.warehouse.backend.to_pyarrow(kinds).to_pylist():
            for driver in set(json.loads(row["drivers"])) - set(rules[row["activity"]].per):
                name = f"{driver} of {row['activity']}"
                strange[name] = strange.get(name, 0) + row["n"]
        schema = {"fault": "string", "name": "string", "n": "int64"}
        rows = [{"fault": "driver that no equation knows", "name": name, "n": n} for name, n in strange.items()]
        tables.append(ibis.memtable(rows, schema=ibis.schema(schema)))
        first, end = _instant(self.period.start), _instant(self.period.end)
        for name, column in _COST_TABLES.items():
            rows = self.warehouse.quarantine(name)
            when = rows[column].cast("timestamp('UTC')")
            rows = rows.filter(when.isnull() | ((when >= first) & (when < end)))
            aside = rows.agg(n=rows.count()).mutate(fault=ibis.literal("set aside on entry"), name=ibis.literal(name))
            tables.append(aside)
        found = ibis.union(*[table.select("fault", "name", n=table.n.cast("int64")) for table in tables])
        return found.filter(found.n > 0)

    def handling(self) -> ir.Table:
        """One row: cents_per_order and cents_per_line as assumed in ``cost.yaml``; none if nothing is assumed."""
        rule = self.cost_rules.handling
        rows = [rule.model_dump()] if rule else []
        return ibis.memtable(rows, schema=ibis.schema({"cents_per_order": "int64", "cents_per_line": "int64"}))

    def assumptions(self) -> ir.Table:
        """One row a rate that stands in for a cost that nobody records: what (of what), cents, per_mille."""
        rules, rows = self.cost_rules, []
        if rules.handling:
            rows += [("handling per order", rules.handling.cents_per_order, 0)]
            rows += [("handling per line", rules.handling.cents_per_line, 0)]
        for kind, rate in rules.payments.items() if self.warehouse.has("payments") else []:
            rows += [(f"payment by {kind.replace('_', ' ')}", rate.cents, rate.per_mille)]
        if rules.freight.tariff:
            for name, cents in rules.freight.tariff.model_dump().items():
                rows += [(f"freight {name.removeprefix('cents_').replace('_', ' ')}", cents, 0)]
        told = [{"what": w, "cents": c, "per_mille": m} for w, c, m in rows if c or m]
        return ibis.memtable(told, schema=ibis.schema({"what": "string", "cents": "int64", "per_mille": "int64"}))

    def company_facts(self) -> ir.Table:
        """One row: title, currency, period, first_day, last_day and their number (days), the day of knowledge (as_of),
        the smallest group (min_n), and whether invitations without an answer are on record (unanswered_known).
        """
        settings, period = self.company.settings, self.period
        facts = {
            "title": settings.title,
            "currency": settings.currency,
            "period": period.name,
            "first_day": period.start.date(),
            "last_day": period.end.date() - timedelta(days=1),
            "days": (period.end.date() - period.start.date()).days,
            "as_of": period.as_of.date(),
            "min_n": settings.min_n,
            "unanswered_known": settings.invitations == "all",
        }
        return ibis.memtable(pd.DataFrame([facts]))

    def row_account(self) -> ir.Table:
        """One row a rule, in order: what it takes out of the orders placed in the period.

        position, rule, orders, lines, net_revenue, freight (cents). Quarantined rows were set aside on
        entry and are in no other number; their amounts may be what was wrong with them.
        """
        rows = self.orders()
        steps = [
            ("placed in the period", rows),
            ("taken out: cancelled by the day of knowledge", rows.filter(rows.cancelled)),
            ("left", rows.filter(~rows.cancelled)),
            ("of these without a line", rows.filter(~rows.cancelled & (rows.n_lines == 0))),
        ]
        account = [
            found.agg(
                orders=found.count(),
                lines=found.n_lines.sum().fill_null(0),
                net_revenue=found.net_revenue.sum().fill_null(0),
                freight=found.freight.sum().fill_null(0),
            ).mutate(position=i, rule=ibis.literal(rule))
            for i, (rule, found) in enumerate(steps)
        ]
        account.append(self._quarantined().mutate(position=len(steps), rule=ibis.literal("quarantined on entry")))
        sums = ("orders", "lines", "net_revenue", "freight")
        return ibis.union(
            *[
                step.select("rule", position=step.position.cast("int64"), **{n: step[n].cast("int64") for n in sums})
                for step in account
            ]
        )

    def _quarantined(self) -> ir.Table:
        """Orders of the period, and lines of known orders of the period, that entry checks set aside."""
        start, end = _instant(self.period.start), _instant(self.period.end)
        orders = self.warehouse.quarantine("orders")
        orders = orders.filter((orders.ordered_at >= start) & (orders.ordered_at < end))
        lines = self.warehouse.quarantine("order_lines").semi_join(self._placed_in(self.period), "order_id")
        counted = orders.agg(orders=orders.count()).cross_join(
            lines.agg(lines=lines.count(), net_revenue=lines.net_revenue.sum().fill_null(0))
        )
        return counted.mutate(freight=ibis.literal(0))

    def unlocks(self) -> ir.Table:
        """One row a contract table that the company did not bring, or of which columns are missing.

        table, columns (missing ones; empty: the whole table).
        """
        rows = []
        for name, table in TABLES.items():
            if not self.warehouse.has(name):
                rows.append({"table": name, "columns": ""})
            else:
                absent = [c.name for c in table.columns if not c.personal and not self.warehouse.has(name, c.name)]
                rows += [{"table": name, "columns": ", ".join(absent)}] if absent else []
        return ibis.memtable(rows, schema=ibis.schema({"table": "string", "columns": "string"}))

    def _in_months(self, table: ir.Table) -> ir.Table:
        first, end = ibis.literal(self.period.start.date()), ibis.literal(self.period.end.date())
        return table.filter((table.month >= first) & (table.month < end))

    @cached_property
    def cost_rules(self) -> CostRules:
        """The company's ``cost.yaml``, or no rules where there is none."""
        return declared(self.company, "cost.yaml")


_KEYS: dict[str, tuple[str, ...]] = {
    "orders": ("order_id",),
    "order_service": ("order_id",),
    "ways": ("order_id",),
    "supplier_service": ("purchase_order_id", "line_no"),
    "invitations": ("response_id", "item"),
    "earlier_invitations": ("response_id", "item"),
    "past_answers": ("position", "response_id"),
    "causes": ("position", "covariate"),
    "withdrawn_causes": ("period", "revision", "treatment"),
    "decided": ("position", "order_id"),
    "promises": ("position",),
    "follow_up": ("response_id",),
    "segments": ("customer_id",),
    "tastes_before": ("customer_id", "half", "block", "trait"),
    "tastes": ("customer_id", "half", "block", "trait"),
    "wishes": ("intent_id",),
    "short_lines": ("order_id", "line_no"),
    "stock_spans": ("site_id", "product_id", "day"),
    "campaign_reach": ("campaign_id", "customer_id"),
    "lifetimes": ("customer_id",),
    "accounts": ("customer_id",),
    "breadth": ("customer_id",),
    "product_mix": ("customer_id", *GRID_DIMENSIONS, "category"),
    "ledger": ("month", "account", "pool"),
    "capacity": ("month", "pool"),
    "work": ("month", "pool", "activity", "customer_id", *GRID_DIMENSIONS),
    "freight": ("month", "customer_id", *GRID_DIMENSIONS),
    "work_kinds": ("month", "pool", "activity", *GRID_DIMENSIONS, "fulfilment", "order_class", "department"),
    "freight_kinds": ("customer_id", *GRID_DIMENSIONS, "fulfilment", "order_class"),
    "product_parts": ("pool", "activity", "category"),
    "ledger_before": ("month", "account", "pool"),
    "capacity_before": ("month", "pool"),
    "work_before": ("ago", "month", "pool", "activity", "customer_id"),
    "customers_before": ("ago", "customer_id"),
    "work_units": ("segment", "activity", "driver", "no_order", "units"),
    "sent_orders": ("order_id",),
    "sent_work": ("order_id", "activity"),
    "delays": ("week", "fulfilment", "carrier", "site", "region", "rush", "delay_h"),
    "freight_moments": ("carrier", "before"),
    "failure_work": ("activity", "before", "late", "short", "damaged"),
    "statuses": ("order_id",),
    "floors": ("position",),
    "disciplines": ("position",),
    "intended": ("segment",),
    "felt_rules": ("felt_item",),
    "contacts": ("event_id",),
    "novelty": ("customer_id",),
    "periods": ("ago",),
    "targets": ("position",),
    "renamed": ("was",),
    "decisions": ("position",),
    "month_orders": ("month", "segment"),
    "month_answers": ("response_id",),
    "month_wishes": ("month", "segment"),
    "month_supplies": ("month", "supplier_id"),
    "month_postings": ("month",),
    "agreed_terms": ("ago", "agreement_id", "term"),
    "requests": ("request_id",),
    "request_evidence": ("customer_id", "measure", "value"),
    "agreed_orders": ("order_id",),
    "agreed_work": ("order_id", "pool"),
    "needs": ("position",),
    "policies": ("position",),
    "standards": ("segment", "driver"),
    "give_or_take": ("kind", "name"),
    "support": ("position", "served"),
    "cost_faults": ("fault", "name"),
    "handling": ("cents_per_order",),
    "assumptions": ("what",),
    "company_facts": ("title",),
    "row_account": ("position",),
    "unlocks": ("table",),
}


def asked_for(source: str) -> list[str]:
    """Names of the frames that Python source asks for by ``frame("name")``, sorted.

    >>> asked_for('orders = frame("orders")')
    ['orders']
    """
    found = {
        node.args[0].value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "frame"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    return sorted(found)


def checked(names: Iterable[str]) -> None:
    """Refuse names that are no frame.

    Raises
    ------
    ParamsError
        If there are any.
    """
    unknown = sorted(set(names) - set(_KEYS))
    if unknown:
        known = ", ".join(sorted([*_KEYS, KEY_FIGURES]))
        raise ParamsError(f"frame({unknown[0]!r}): no such frame; there are: {known}.{nearest(unknown[0], _KEYS)}")


def materialise(
    company: Company, period: Period, names: Sequence[str], folder: Path, known: Known | None = None
) -> dict[str, Kept]:
    """Frames as Parquet files in ``folder``, each named by the digest of its values.

    Parameters
    ----------
    company, period
        Whose frames, and of when.
    names
        Frames to make; unknown names are refused together.
    folder
        Where they are kept; a frame that is already there, whole, is not written again.
    known
        What they are made of, where more are made of the same: much is read once.

    Returns
    -------
    dict
        For each name its file, digest and rows.

    Raises
    ------
    ParamsError
        If a name is no frame.
    DataError
        If the company has no warehouse, it does not read, or it still gives a frame that rows were erased from.
    """
    checked(names)
    key = _key(company)
    folder.mkdir(parents=True, exist_ok=True)
    known = known or Known(company, period)
    kept: dict[str, Kept] = {}
    with reading(company), ThreadPoolExecutor(1) as beside:
        writing: list[Future[Kept]] = []
        for name in names:  # one is sorted and written while the next is read; no more than these two are in memory
            table = _fetched(known.warehouse.backend, getattr(known, name)())
            for each in writing:
                kept[each.result().name] = each.result()
            writing = [beside.submit(_keep, name, table, key, folder, company)]
        for each in writing:
            kept[each.result().name] = each.result()
    return kept


def _key(company: Company) -> bytes:
    return hashlib.sha256(b"frames" + company.pseudonym_key()).digest()


def pseudonyms(company: Company, customer: str) -> dict[str, set[str]]:
    """What a customer is called in kept frames, by the columns that name people.

    ``customer`` is the identifier as the company's SELECTs return it. The warehouse has its pseudonym and frames the
    pseudonym of that; of a warehouse by URL, which no ingest filled, frames may have the pseudonym of the identifier.
    Frames that were kept under an earlier key call the customer otherwise.

    Raises
    ------
    DataError
        If the local warehouse was admitted with another pseudonym key: the customer would not be found.
    """
    if receipt_path(company).exists():
        admitted(company)
    customer = customer.strip(" \t\n\r\v\f")  # as ingest does
    twice = pseudonym(pseudonym(customer, company.pseudonym_key()), _key(company))
    names = {column: {twice, pseudonym(customer, _key(company))} for column in _PERSON_COLUMNS}
    if company.settings.warehouse == "local":  # there, "person" may be a wish that nobody signed in for
        names["person"] = {twice}
    return names


def in_warehouse(company: Company, customer: str) -> bool:
    """Does the warehouse have a customer of that identifier, or an order of theirs?"""
    customer = customer.strip(" \t\n\r\v\f")
    names = [pseudonym(customer, company.pseudonym_key())] + [customer] * (company.settings.warehouse != "local")
    with reading(company):
        stored = Warehouse(company)
        tables = [stored.table(name) for name in ("customers", "orders")]
        return any(table.filter(table.customer_id.isin(names)).count().execute() for table in tables)


def _keep(name: str, table: pa.Table, key: bytes, folder: Path, company: Company) -> Kept:
    for column in _PERSON_COLUMNS:
        if column in table.column_names:
            people = table[column].combine_chunks()
            names = [None if each is None else pseudonym(each, key) for each in people.dictionary.to_pylist()]
            people = pa.DictionaryArray.from_arrays(people.indices, pa.array(names, pa.string()))
            table = table.set_column(table.column_names.index(column), column, people)
    return _store(name, table, _KEYS[name], folder, company)


def _fetched(backend: ibis.BaseBackend, expression: ir.Table) -> pa.Table:
    """The result of an expression, its text as codes: of millions of rows, text alone would fill the memory."""
    schema = expression.schema().to_pyarrow()
    parts = [_coded(_plain(schema.empty_table()))]
    for batch in _batches(backend, expression):
        parts.append(_coded(_plain(pa.Table.from_batches([batch]).cast(schema))))
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()


def _batches(backend: ibis.BaseBackend, expression: ir.Table) -> Iterable[pa.RecordBatch]:
    if backend.name == "pyspark":  # Ibis takes it through pandas, where whole numbers beside missing ones are none
        backend._run_pre_execute_hooks(expression)
        return backend._session.sql(backend.compile(expression)).toArrow().to_batches()
    few = {"chunk_size": 50_000} if backend.name == "postgres" else {}  # rows come as Python objects
    return backend.to_pyarrow_batches(expression, **few)


def _coded(table: pa.Table) -> pa.Table:
    """The table with its text as dictionaries."""
    for at, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            table = table.set_column(at, field.name, table[field.name].dictionary_encode())
    return table


def _store(name: str, table: pa.Table, keys: tuple[str, ...], folder: Path, company: Company) -> Kept:
    table = table.combine_chunks()
    table = table.take(pa.array(_order([table[column] for column in keys]))).combine_chunks()
    digest = _digest(table)
    erased = companies.erased(company).get(digest)
    if erased:  # its file has other rows than its name says
        raise DataError(
            f"{company.data}: the warehouse still has rows that were erased from frame {name!r} on {erased}. "
            f"Ingest {company.name} again from raw files without that customer."
        )
    path = folder / f"{digest}.parquet"
    if digest_of(path) != digest:  # not there, or somebody cut it
        handle, partial = tempfile.mkstemp(dir=folder, suffix=".partial")
        os.close(handle)
        pq.write_table(table if name in _CODED else _plain(table), partial, compression="zstd")
        os.replace(partial, path)
    return Kept(name, path, digest, table.num_rows)


_FIGURE_KEYS = ("period", "report", "figure_id", "definition_id", "cohort", "segment", "channel", "unit")
_TOLD_BESIDE = ("words", "revision", "was_in")
_FIGURES = pa.schema(
    [(name, pa.string()) for name in (*_FIGURE_KEYS, *_TOLD_BESIDE)]
    + [(name, pa.float64()) for name in ("value", "low", "high", "was", "confidence")]
    + [("n", pa.int64())]
)


def keep_key_figures(company: Company, period: Period, own: pd.DataFrame, folder: Path) -> Kept:
    """The frame ``key_figures``: one row a figure of this pack so far (``own``) and of earlier periods' newest packs.

    period, then the columns of ``figures.parquet``; revision that it stands in (empty: this pack), and, where the
    period's first revision that had it said otherwise, was (that value) and was_in (that revision). Only periods of
    this one's length that ended before it, and this one.
    """
    names = companies.earlier(period.name, (path.name for path in company.reports.glob("*")))
    parts = {name: newest_figures(company, name) for name in names} | {period.name: own.assign(revision="")}
    tables = [
        pa.Table.from_pandas(
            _with_first(company, name, part).assign(period=name), schema=_FIGURES, preserve_index=False
        )
        for name, part in parts.items()
        if len(part)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    return _store(KEY_FIGURES, pa.concat_tables([_FIGURES.empty_table(), *tables]), _FIGURE_KEYS, folder, company)


def _with_first(company: Company, period: str, figures: pd.DataFrame) -> pd.DataFrame:
    """Figures of a period beside what its first revision that had them said, where that was another value."""
    keys = ["report", "figure_id", "segment", "channel"]
    archived = [pd.read_parquet(path).assign(was_in=path.parent.name) for path in _archived(company, period)]
    figures = figures.assign(words=figures.get("words", ""), confidence=figures.get("confidence", np.nan))
    if not archived:
        return figures.assign(was=np.nan, was_in="")
    first = pd.concat(archived).drop_duplicates(keys)[[*keys, "value", "was_in"]].rename(columns={"value": "was"})
    found = figures.merge(first, how="left", on=keys)
    same = ~((found["was"] - found["value"]).abs() > 1e-9 * found["value"].abs())
    return found.assign(was=found["was"].mask(same), was_in=found["was_in"].mask(same, ""))


def _archived(company: Company, period: str) -> list[Path]:
    """Files of the key figures of a period's revisions, the first first."""
    paths = (company.reports / period).glob("r[1-9]*/figures.parquet")
    found = {int(path.parent.name[1:]): path for path in paths if path.parent.name[1:].isdecimal()}
    return [found[number] for number in sorted(found)]


def newest_figures(company: Company, period: str) -> pd.DataFrame:
    """Key figures of a period's newest revision, and its name; no rows if there is none."""
    newest = _archived(company, period)[-1:]
    return pd.read_parquet(newest[0]).assign(revision=newest[0].parent.name) if newest else pd.DataFrame()


def _plain(table: pa.Table) -> pa.Table:
    """The table with one type for each kind of value, whatever backend it came from."""

    def simple(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
            return pa.int64()
        if pa.types.is_timestamp(kind):
            return pa.timestamp("us", "UTC")
        if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_dictionary(kind):
            return pa.string()
        return kind

    return table.cast(pa.schema([pa.field(field.name, simple(field.type)) for field in table.schema]))


def _order(columns: list[pa.ChunkedArray]) -> np.ndarray:
    """Positions that sort rows by columns, missing values last; equal rows stay in order.

    Each column as the rank of its values among the different ones, which are few; ranks together in as few keys as fit
    64 bits.
    """
    keys, size = [], 2**62
    for column in columns:
        codes = column.combine_chunks()
        codes = codes if pa.types.is_dictionary(codes.type) else codes.dictionary_encode()
        order = np.asarray(pc.sort_indices(codes.dictionary))
        ranks = np.empty(len(order) + 1, dtype="int64")
        ranks[order], ranks[-1] = np.arange(len(order)), len(order)
        ranked = ranks[np.asarray(pc.fill_null(codes.indices, len(order)), dtype="int64")]
        if size * (len(order) + 1) < 2**62:
            keys[-1] = keys[-1] * (len(order) + 1) + ranked
            size *= len(order) + 1
        else:
            keys.append(ranked)
            size = len(order) + 1
    return np.lexsort(keys[::-1]) if keys else np.arange(0)


def _text_of(strings: pa.Array) -> memoryview:
    """The bytes of all strings of an array without missing values, one after the other, as they lie in memory."""
    _, offsets, data = strings.buffers()
    if data is None:
        return memoryview(b"")
    ends = np.frombuffer(offsets, dtype="<i4")[strings.offset : strings.offset + len(strings) + 1]
    return memoryview(data)[ends[0] : ends[-1]]


def _digest(table: pa.Table) -> str:
    """SHA-256 of names, types and values: the same for the same table, whoever wrote it, text as codes or not."""
    digest = hashlib.sha256()
    for field in table.schema:
        column = table[field.name]
        coded = pa.types.is_dictionary(field.type)
        kind = field.type.value_type if coded else field.type
        digest.update(f"{field.name}\0{kind}\0{len(column)}\0".encode())
        digest.update(np.packbits(np.asarray(column.is_valid())).tobytes())
        if pa.types.is_string(kind):
            for told in (lambda text: np.asarray(pc.binary_length(text), dtype="<i4").tobytes(), _text_of):
                for start in range(0, len(column), 2**20):
                    part = column.slice(start, 2**20).cast(kind).combine_chunks()
                    digest.update(told(pc.fill_null(part, "")))
        elif pa.types.is_boolean(kind):
            digest.update(np.packbits(np.asarray(pc.fill_null(column, False))).tobytes())
        else:
            whole = {"timestamp": "int64", "date32": "int32"}.get(str(kind).split("[")[0])
            numbers = column.cast(whole) if whole else column
            digest.update(np.asarray(pc.fill_null(numbers, 0)).astype(numbers.type.to_pandas_dtype()).tobytes())
    return digest.hexdigest()


def digest_of(path: Path) -> str:
    """The digest of a kept frame's values: its file's name, if it is what was kept; '' if it does not read."""
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException):
        return ""
    return _digest(table if any(pa.types.is_dictionary(field.type) for field in table.schema) else _plain(table))


def read(path: Path) -> pd.DataFrame:
    """A kept frame as a DataFrame; whole numbers and truth values stay so beside missing ones.

    Text of the largest frames is categorical, with sorted categories.
    """
    types = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    table = pq.read_table(path).to_pandas(types_mapper=types.get)
    for name in table.select_dtypes("category"):
        table[name] = table[name].cat.reorder_categories(sorted(table[name].cat.categories))
    return table


def reader(company: str, period: str) -> Callable[[str], pd.DataFrame]:
    """The function a notebook calls as ``frame("orders")``.

    In an unattended run it reads the frames that the runner made, and nothing else; opened
    by hand it makes a frame when it is first asked for, and ``toolkit.lab`` says that what follows is a draft.

    Parameters
    ----------
    company, period
        Names as in ``params/`` and as a governance period.

    Returns
    -------
    function
        Of a frame's name; gives a DataFrame. What frames share is read once, until params or data change.

    Raises
    ------
    ParamsError, DataError
        The function, as ``materialise``.
    """
    known: dict[tuple, Known] = {}
    given = os.environ.get(FRAMES_VARIABLE)
    if not given and "ipykernel" in sys.modules:
        importlib.import_module("toolkit.lab").opened(company, period)  # no report's code: it says nothing in a run

    def frame(name: str) -> pd.DataFrame:
        if given:
            paths = json.loads(given)
            if name not in paths:
                raise ParamsError(f"frame({name!r}): not made for this run; there are: {', '.join(sorted(paths))}.")
            return read(Path(paths[name]))
        home = companies.home()
        found = companies.load(company, home)
        span, folder = found.period(period), found.data / "frames"
        if name == KEY_FIGURES:
            return read(keep_key_figures(found, span, newest_figures(found, period), folder).path)
        told = [receipt_path(found), *sorted(found.params.rglob("*.*"))]
        state = tuple((path, path.stat().st_mtime_ns) for path in told if path.is_file())
        if state not in known:
            known.clear()
            known[state] = Known(found, span)
        return read(materialise(found, span, [name], folder, known[state])[name].path)

    return frame


@ibis.udf.agg.builtin(name="bit_or")
def _bit_or(bits: int) -> int:
    """The bits of all values: every backend has the function, and Ibis does not know that Spark does."""


def _relabelled(rows: ir.Table, grid: pd.DataFrame) -> ir.Table:
    """Rows whose segment, channel and region are those that the grid publishes them in."""
    schema = {f"{prefix}{name}": "string" for prefix in ("", "published_") for name in GRID_DIMENSIONS}
    labels = ibis.memtable(grid, schema=schema).rename({f"_{name}": name for name in GRID_DIMENSIONS})
    joined = rows.left_join(labels, [rows[name] == labels[f"_{name}"] for name in GRID_DIMENSIONS])
    merged = {name: joined[f"published_{name}"].fill_null(stats.OTHER) for name in GRID_DIMENSIONS}
    return joined.mutate(**merged).drop(
        *[f"_{name}" for name in GRID_DIMENSIONS], *[f"published_{name}" for name in GRID_DIMENSIONS]
    )


def _numbers(places: dict[tuple, tuple]) -> dict[tuple, int]:
    """A number for each of the places that cells are in."""
    return {place: at for at, place in enumerate(sorted(set(places.values())))}


def _in(span: Period, moment: ir.Value) -> list[ir.Value]:
    """Conditions for a moment to lie in a span."""
    return [moment >= _instant(span.start), moment < _instant(span.end)]


def _months(span: Period) -> list[Period]:
    """The calendar months of a span; the first and the last may be cut."""
    parts, start = [], span.start
    while start < span.end:
        after = min((start.replace(day=1) + timedelta(days=32)).replace(day=1), span.end)
        parts.append(Period("", start, after, span.as_of))
        start = after
    return parts


def _midnight(moment: datetime, days: int) -> datetime:
    """Midnight so many days later, whatever clocks do between."""
    day = moment.date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, tzinfo=moment.tzinfo)


def _flag(told: ir.Value, *, missed: bool = False) -> ir.Value:
    """1 or 0 of a truth value (``missed``: of its contrary), empty where it is.

    Not by NOT and IS NULL, which bind the other way round in the SQL that Ibis writes.
    """
    return ibis.cases((told, 0 if missed else 1), (told == False, 1 if missed else 0), else_=None).cast("int64")  # noqa: E712


def _meant(value: str) -> str:
    return value.strip().lower()


def _rounded(number: ir.Value) -> ir.Value:
    """The nearest whole number, of a half the one farther from 0: PostgreSQL's own would take the even one."""
    return (number.sign() * (number.abs() + 0.5).floor()).cast("int64")


def _month_of(moment: ir.Value, span: Period) -> ir.Value:
    """The first day of the month that a moment of a span lies in."""
    cases = [(moment >= _instant(part.start), ibis.literal(_first_day(part))) for part in reversed(_months(span))]
    return ibis.cases(*cases, else_=ibis.null("date"))


def _first_day(span: Period) -> date:
    """The first day of the month that a span begins in."""
    return span.start.date().replace(day=1)


def _ago(moment: ir.Value, starts: list[datetime]) -> ir.Value:
    """Which of the periods before, whose starts are given the last first, a moment lies in: from 1."""
    cases = [(moment >= _instant(start), ago) for ago, start in enumerate(starts, start=1)]
    return ibis.cases(*cases, else_=ibis.null("int64"))


def _order_class(orders: ir.Table) -> ir.Value:
    """Rush, or the order's number of lines in bands."""
    lines = orders.n_lines.fill_null(0)
    return ibis.cases(
        (orders.rush.fill_null(False), "rush"),
        (lines <= 1, "one line"),
        (lines <= 4, "two to four lines"),
        (lines <= 9, "five to nine lines"),
        else_="ten lines and more",
    )


def _counts(drivers: str) -> dict[str, int]:
    """The counts that a text of drivers tells; what is no whole number counts as none."""
    return {name: count for name, count in json.loads(drivers or "{}").items() if type(count) is int}


def _by_activity(done: ir.Table, cases: list, otherwise: object) -> ir.Value:
    """A value that depends on the activity."""
    return (
        ibis.cases(*[(done.activity == name, value) for name, value in cases], else_=otherwise)
        if cases
        else (ibis.literal(otherwise))
    )


def _instant(moment: datetime) -> ir.Value:
    return ibis.literal(moment.astimezone(UTC), type="timestamp('UTC')")
