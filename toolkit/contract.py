"""What may a company bring? The contract tables: one row means, columns, types, units, keys; the only definition."""

from dataclasses import dataclass

TYPES = {
    "text": "text; identifiers are text, so that 007 stays 007",
    "integer": "whole number",
    "money": "whole number of cents in the company's currency",
    "boolean": "true or false",
    "timestamp": "instant; without a zone it is read in the company's reporting zone",
    "date": "calendar day",
    "time": "time of day",
    "degrees": "decimal degrees, WGS 84",
    "json": "a JSON object as text",
}


@dataclass(frozen=True)
class Column:
    """A column of a contract table.

    Parameters
    ----------
    name
        As a company's SELECT calls it.
    type
        One of ``TYPES``.
    meaning
        In words, for docs/DATA.md.
    unit
        Of a number, such as cents or grams; empty: it has none, or says it.
    required
        A row without it is quarantined.
    absent
        Though required, a company may leave the whole column out.
    amount
        An unusable value quarantines the row, as of any column of money; of others it empties the field, counted.
    references
        ``table.column`` that must hold the value.
    minimum, maximum
        Least and largest value that is usable, in ``unit``.
    allowed
        The values that are usable; none named: any.
    personal
        Not admitted unless the company opens it by name.
    person
        Replaced by a pseudonym on entry.
    plan
        A time that may lie after the day of knowledge.
    known_with
        The time column of the same row from which on the value is known.

    Notes
    -----
    docs/DATA.md, and docs/METHODS.md sections 0.2, 0.4 and 0.8.

    Examples
    --------
    A wrong weight empties the field, a wrong score costs the row.

    >>> TABLES["products"].column("weight_g").quarantines, TABLES["surveys"].column("score").quarantines
    (False, True)
    """

    name: str
    type: str
    meaning: str
    unit: str = ""
    required: bool = False
    absent: bool = False
    amount: bool = False
    references: str = ""
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] = ()
    personal: bool = False
    person: bool = False
    plan: bool = False
    known_with: str = ""

    @property
    def quarantines(self) -> bool:
        """Does an unusable value cost the row, rather than the field?"""
        return self.required or self.amount or self.type == "money"


@dataclass(frozen=True)
class TimeOrder:
    """``earlier`` must not come after ``later``; else ``empties`` loses its value, or the row its place.

    Parameters
    ----------
    earlier, later
        Columns of time: of the same table, or ``orders.ordered_at`` reached by ``order_id``.
    empties
        Column that is emptied; none: the row is quarantined.

    Notes
    -----
    docs/METHODS.md section 0.4.

    Examples
    --------
    >>> TABLES["orders"].time_orders
    (TimeOrder(earlier='ordered_at', later='cancelled_at', empties='cancelled_at'),)
    """

    earlier: str
    later: str
    empties: str = ""


@dataclass(frozen=True)
class Table:
    """A contract table: what one row is, its key, columns and what it unlocks.

    ``known_at`` is the time column from which on a row is known (of this table, or
    ``orders.ordered_at`` reached by ``order_id``); rows of a table without one are
    taken as always known.

    Parameters
    ----------
    name
        As a company's SELECT is called.
    row
        What one row is.
    key
        Columns that no two rows share.
    unlocks
        Reports that need it.
    columns
        In the order of docs/DATA.md.
    required
        Does nothing run without it?
    known_at
        See above.
    time_orders
        Each a ``TimeOrder``.

    Notes
    -----
    docs/METHODS.md section 0.2; all of them stand in ``TABLES``.

    Examples
    --------
    >>> table = TABLES["payments"]
    >>> table.row, table.key, table.known_at
    ('a payment of an order', ('order_id', 'payment_no'), 'orders.ordered_at')
    >>> table.names
    ('order_id', 'payment_no', 'kind', 'instalments', 'amount', 'paid_at')
    """

    name: str
    row: str
    key: tuple[str, ...]
    unlocks: str
    columns: tuple[Column, ...]
    required: bool = False
    known_at: str = ""
    time_orders: tuple[TimeOrder, ...] = ()

    def column(self, name: str) -> Column:
        """The column of that name.

        Parameters
        ----------
        name
            Of a column that the table has.

        Examples
        --------
        >>> amount = TABLES["payments"].column("amount")
        >>> amount.type, amount.unit, amount.required
        ('money', 'cents', True)
        """
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)


def _id(name: str, meaning: str, **more) -> Column:
    return Column(name, "text", meaning, required=more.pop("required", True), **more)


def _customer(meaning: str = "who", **more) -> Column:
    return _id("customer_id", meaning, person=True, **more)


_ORDER = _id("order_id", "the order", references="orders.order_id")
_VALID = (
    Column("valid_from", "timestamp", "from when on this row holds; empty: always"),
    Column("valid_to", "timestamp", "until when this row holds (excluded); empty: still", plan=True),
)
_VALID_ORDER = (TimeOrder("valid_from", "valid_to"),)
FULFILMENTS = ("click_and_collect", "curbside", "direct_ship", "home_delivery", "in_store", "ship_from_store")
WEEKDAYS = ("friday", "monday", "saturday", "sunday", "thursday", "tuesday", "wednesday")

# A table reads as a table here: a column a line.
# fmt: off
_TABLES = (
    Table("customers", "a customer (a person or an account, not an order's copy of one), as of a span",
        ("customer_id", "valid_from"), "everything", required=True, known_at="valid_from", time_orders=_VALID_ORDER,
        columns=(
        _customer("the customer; a pseudonym after entry"),
        Column("type", "text", "kind of customer, such as consumer or wholesale"),
        Column("channel", "text", "channel the customer was won in"),
        Column("region", "text", "region for reports"),
        Column("country", "text", "ISO 3166-1 alpha-2 code"),
        Column("postcode", "text", "postcode", personal=True),
        Column("joined_on", "date", "first known day"),
        Column("birth_year", "integer", "year of birth", "year", minimum=1900, maximum=2100, personal=True),
        Column("household_size", "integer", "people in the household", "people", minimum=1, maximum=50),
        Column("latitude", "degrees", "north", "degrees", minimum=-90, maximum=90, personal=True),
        Column("longitude", "degrees", "east", "degrees", minimum=-180, maximum=180, personal=True),
        Column("has_card", "boolean", "holds a loyalty card"),
        Column("profiling_consent", "boolean", "agreed to profiling; false: in totals only; empty: not asked"),
        *_VALID,
    )),
    Table("products", "an article", ("product_id",), "segment_profile", columns=(
        _id("product_id", "the article"),
        Column("category", "text", "product group"),
        Column("brand", "text", "brand"),
        Column("weight_g", "integer", "weight of one", "grams", minimum=0),
        Column("volume_ml", "integer", "volume of one", "millilitres", minimum=0),
        Column("attributes", "json", "further attributes"),
    )),
    Table("orders", "an order", ("order_id",), "everything", required=True, known_at="ordered_at",
        time_orders=(TimeOrder("ordered_at", "cancelled_at", "cancelled_at"),), columns=(
        _id("order_id", "the order"),
        _customer(references="customers.customer_id"),
        Column("ordered_at", "timestamp", "when it was placed", required=True),
        Column("channel", "text", "channel it was placed in"),
        Column("fulfilment", "text", "way of acquiring", allowed=FULFILMENTS),
        Column("site_id", "text", "store or warehouse that serves it", references="sites.site_id"),
        Column("agreement_id", "text", "agreement it falls under", references="agreements.agreement_id"),
        Column("campaign_id", "text", "campaign it answers", references="campaigns.campaign_id"),
        Column("rush", "boolean", "asked for faster than the standard"),
        Column("cancelled_at", "timestamp", "when it was cancelled"),
    )),
    Table("order_lines", "a line of an order", ("order_id", "line_no"), "everything", required=True,
        known_at="orders.ordered_at", columns=(
        _ORDER,
        Column("line_no", "integer", "number within the order", required=True, minimum=0),
        _id("product_id", "the article", references="products.product_id"),
        Column("quantity_ordered", "integer", "pieces ordered", "pieces", required=True, minimum=0),
        Column("net_revenue", "money", "after discounts, without tax", "cents", required=True, absent=True),
        Column("cost_of_goods", "money", "purchase or production cost", "cents"),
    )),
    Table("deliveries", "a shipment of an order, sent or still to send", ("delivery_id",),
        "nps_supply_chain, cost_to_serve, service_strategy, governance", known_at="orders.ordered_at",
        time_orders=(
            TimeOrder("orders.ordered_at", "delivered_at", "delivered_at"),
            TimeOrder("orders.ordered_at", "shipped_at", "shipped_at"),
            TimeOrder("shipped_at", "delivered_at", "shipped_at"),
            TimeOrder("promised_from", "promised_by", "promised_from"),
        ), columns=(
        _id("delivery_id", "the shipment"),
        _ORDER,
        Column("shipped_at", "timestamp", "handed to the carrier"),
        Column("delivered_at", "timestamp", "arrived at the customer"),
        Column("promised_from", "timestamp", "begin of the promised window", plan=True),
        Column("promised_by", "timestamp", "end of the promised window", plan=True),
        Column("carrier", "text", "who carries it"),
        Column("from_site_id", "text", "where it leaves from", references="sites.site_id"),
        Column("freight_cost", "money", "freight charged for it; with an invoice id, its share is found", "cents"),
        Column("freight_invoice_id", "text", "freight invoice it is part of"),
        Column("weight_g", "integer", "weight", "grams", minimum=0),
        Column("documents_ok", "boolean", "papers complete and right", known_with="delivered_at"),
        Column("distance_m", "integer", "from site to customer", "metres", minimum=0),
    )),
    Table("delivery_lines", "a line in a shipment", ("delivery_id", "order_id", "line_no"),
        "nps_supply_chain, cost_to_serve, service_strategy", known_at="orders.ordered_at", columns=(
        _id("delivery_id", "the shipment", references="deliveries.delivery_id"),
        _ORDER,
        Column("line_no", "integer", "line of the order", required=True, minimum=0),
        Column("quantity_delivered", "integer", "pieces in it", "pieces", required=True, minimum=0),
        Column("damaged", "integer", "pieces of it that arrived damaged", "pieces", minimum=0),
    )),
    Table("returns", "a returned line", ("order_id", "line_no", "returned_at"), "nps_supply_chain, cost_to_serve",
        known_at="returned_at", time_orders=(TimeOrder("orders.ordered_at", "returned_at"),), columns=(
        _ORDER,
        Column("line_no", "integer", "line of the order", required=True, minimum=0),
        Column("returned_at", "timestamp", "when it came back", required=True),
        Column("quantity", "integer", "pieces", "pieces", required=True, minimum=0),
        Column("refund", "money", "paid back", "cents"),
        Column("reason", "text", "why"),
    )),
    Table("surveys", "one item of one invitation, answered or not", ("response_id", "item"),
        "nps_supply_chain, value_disciplines, governance", known_at="invited_at",
        time_orders=(
            TimeOrder("invited_at", "reminded_at", "reminded_at"),
            TimeOrder("invited_at", "answered_at", "answered_at"),
        ), columns=(
        _id("response_id", "the invitation"),
        _customer(references="customers.customer_id"),
        Column("order_id", "text", "order it asks about", references="orders.order_id"),
        _id("item", "what is asked: recommend, on_time, product, felt_personal, ..."),
        Column("invited_at", "timestamp", "when it was sent", required=True),
        Column("reminded_at", "timestamp", "when it was sent again"),
        Column("answered_at", "timestamp", "when it was answered"),
        Column("score", "integer", "the answer", "of its scale", amount=True, known_with="answered_at"),
        _id("scale", "scale of the answer", allowed=("nps_0_10", "stars_1_5")),
        Column("comment", "text", "free text", personal=True, known_with="answered_at"),
    )),
    Table("service_events", "a contact about an order", ("event_id",),
        "nps_supply_chain, cost_to_serve, service_strategy, value_disciplines, governance", known_at="happened_at",
        time_orders=(TimeOrder("happened_at", "answered_at", "answered_at"),), columns=(
        _id("event_id", "the contact"),
        Column("order_id", "text", "the order", references="orders.order_id"),
        _customer(references="customers.customer_id", required=False),
        Column("kind", "text", "what it was", required=True, allowed=("complaint", "question", "status_sent",
            "tracking_view")),
        Column("happened_at", "timestamp", "when", required=True),
        Column("answered_at", "timestamp", "when it was answered"),
        Column("department", "text", "who answered"),
    )),
    Table("agreements", "one term of a customer's agreement", ("agreement_id", "term", "valid_from"),
        "standard_solutions", known_at="valid_from", time_orders=_VALID_ORDER, columns=(
        _id("agreement_id", "the agreement"),
        _customer(references="customers.customer_id"),
        _id("term", "what is agreed upon"),
        _id("value", "what was agreed"),
        Column("department", "text", "who agreed"),
        *_VALID,
    )),
    Table("requests", "a customer's service request", ("request_id",), "standard_solutions", known_at="requested_at",
        columns=(
        _id("request_id", "the request"),
        _customer(references="customers.customer_id"),
        Column("requested_at", "timestamp", "when", required=True),
        _id("request_type", "what was asked for"),
        Column("text", "text", "free text", personal=True),
    )),
    Table("receiving_windows", "when a customer receives", ("customer_id", "weekday", "opens", "valid_from"),
        "nps_supply_chain, standard_solutions", known_at="valid_from",
        time_orders=(TimeOrder("opens", "closes"), *_VALID_ORDER), columns=(
        _customer(references="customers.customer_id"),
        Column("weekday", "text", "day of the week", required=True, allowed=WEEKDAYS),
        Column("opens", "time", "from", required=True),
        Column("closes", "time", "to", required=True),
        *_VALID,
    )),
    Table("activities", "work done for an order or customer", ("activity_id",), "cost_to_serve",
        known_at="happened_at", columns=(
        _id("activity_id", "the piece of work"),
        Column("order_id", "text", "for which order", references="orders.order_id"),
        _customer(references="customers.customer_id", required=False),
        _id("activity", "what was done, as named in cost.yaml"),
        Column("department", "text", "who did it"),
        Column("happened_at", "timestamp", "when", required=True),
        Column("quantity", "integer", "how often", "times", required=True, minimum=0),
        Column("drivers", "json", "counts that lengthen it, such as lines or pallets"),
    )),
    Table("resource_pools", "a cost pool in a month", ("pool", "month"), "cost_to_serve", known_at="month",
        columns=(
        _id("pool", "the pool"),
        Column("month", "date", "first day of the month", required=True),
        Column("practical_capacity_minutes", "integer", "work it can do", "minutes", required=True, minimum=0),
    )),
    Table("ledger", "a posting of the general ledger", ("month", "account", "pool", "posting_no"),
        "cost_to_serve, governance",
        known_at="month", columns=(
        Column("month", "date", "first day of the month", required=True),
        _id("account", "account of the general ledger"),
        _id("pool", "cost pool it belongs to; 'freight' for carriers' invoices"),
        Column("posting_no", "integer", "number within month, account and pool", required=True, minimum=0),
        Column("amount", "money", "posted", "cents", required=True),
        _id("currency", "ISO 4217 code; must be the company's"),
    )),
    Table("payments", "a payment of an order", ("order_id", "payment_no"), "cost_to_serve",
        known_at="orders.ordered_at", columns=(
        _ORDER,
        Column("payment_no", "integer", "number within the order", required=True, minimum=0),
        _id("kind", "card, voucher, invoice, ..."),
        Column("instalments", "integer", "parts it is paid in", "parts", minimum=0),
        Column("amount", "money", "paid", "cents", required=True),
        Column("paid_at", "timestamp", "when"),
    )),
    Table("campaigns", "a campaign", ("campaign_id",), "segment_profile, value_disciplines", known_at="starts_on",
        columns=(
        _id("campaign_id", "the campaign"),
        Column("template_id", "text", "template it was run from"),
        Column("department", "text", "who ran it"),
        Column("cost", "money", "what it cost", "cents"),
        Column("starts_on", "date", "first day", required=True),
    )),
    Table("campaign_contacts", "a customer contacted or held out", ("campaign_id", "customer_id"),
        "segment_profile, value_disciplines", known_at="contacted_at", columns=(
        _id("campaign_id", "the campaign", references="campaigns.campaign_id"),
        _customer(references="customers.customer_id"),
        Column("contacted_at", "timestamp", "when; of those held out, when they would have been", required=True),
        Column("held_out", "boolean", "kept out for comparison", required=True),
    )),
    Table("shopping_intents", "what a home shopper wanted", ("intent_id",), "segment_profile, governance",
        known_at="occurred_at", columns=(
        _id("intent_id", "the wish"),
        _customer(references="customers.customer_id", required=False),
        Column("product_id", "text", "article wanted", references="products.product_id"),
        Column("term", "text", "words searched, where no article is known"),
        Column("site_id", "text", "store or warehouse shopped at", references="sites.site_id"),
        Column("occurred_at", "timestamp", "when", required=True),
        Column("outcome", "text", "what came of it", required=True, allowed=("bought", "not_ranged", "substituted",
            "unavailable")),
        Column("substitute_product_id", "text", "article taken instead", references="products.product_id"),
    )),
    Table("sites", "a store, warehouse or seller's place", ("site_id",),
        "segment_profile, standard_solutions, service_strategy", columns=(
        _id("site_id", "the site"),
        Column("kind", "text", "what it is", required=True, allowed=("seller", "store", "warehouse")),
        Column("region", "text", "region for reports"),
        Column("latitude", "degrees", "north", "degrees", minimum=-90, maximum=90),
        Column("longitude", "degrees", "east", "degrees", minimum=-180, maximum=180),
    )),
    Table("stock_levels", "a site's stock of a product on a day", ("site_id", "product_id", "day"),
        "segment_profile, standard_solutions, service_strategy", known_at="day", columns=(
        _id("site_id", "the site", references="sites.site_id"),
        _id("product_id", "the article", references="products.product_id"),
        Column("day", "date", "the day", required=True),
        Column("on_hand", "integer", "pieces at the day's end", "pieces", required=True, minimum=0),
    )),
    Table("supplier_receipts", "a replenishment line received (the supplier may be our own warehouse)",
        ("purchase_order_id", "line_no"), "nps_supply_chain, service_strategy, governance", known_at="ordered_at",
        time_orders=(TimeOrder("ordered_at", "received_at", "received_at"),), columns=(
        _id("purchase_order_id", "the purchase order"),
        Column("line_no", "integer", "line of it", required=True, minimum=0),
        _id("supplier_id", "who supplies"),
        Column("product_id", "text", "the article", references="products.product_id"),
        Column("site_id", "text", "where it goes", references="sites.site_id"),
        Column("ordered_at", "timestamp", "when it was ordered", required=True),
        Column("promised_at", "timestamp", "promised arrival", plan=True),
        Column("received_at", "timestamp", "arrival"),
        Column("quantity_ordered", "integer", "pieces ordered", "pieces", required=True, minimum=0),
        Column("quantity_received", "integer", "pieces received", "pieces", amount=True, minimum=0,
            known_with="received_at"),
    )),
)
# fmt: on

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
SCORE_RANGES = {"nps_0_10": (0, 10), "stars_1_5": (1, 5)}


def document() -> str:
    """The text of docs/DATA.md: every table, column, type, unit, key, reference, range.

    Returns
    -------
    str
        Markdown.

    Examples
    --------
    >>> document().splitlines()[0]
    '# The contract: what a company brings'
    >>> [line for line in document().splitlines() if line.startswith("| **paid_at**") or line.startswith("| paid_at")]
    ['| paid_at | timestamp |  | when |  |']
    """
    lines = [_HEAD]
    lines += ["| table | one row is | unlocks |", "|---|---|---|"]
    for table in TABLES.values():
        name = f"**[{table.name}](#{table.name})**" if table.required else f"[{table.name}](#{table.name})"
        lines.append(f"| {name} | {table.row} | {table.unlocks} |")
    lines += ["", "## Types", "", "| type | means |", "|---|---|"]
    lines += [f"| {name} | {meaning} |" for name, meaning in TYPES.items()]
    lines += ["", _RULES, "## Tables"]
    for table in TABLES.values():
        lines += ["", f"### {table.name}", "", f"One row is {table.row}. Key: {', '.join(table.key)}."]
        if table.known_at:
            lines.append(f"A row is known from `{table.known_at}` on.")
        for rule in table.time_orders:
            effect = f"`{rule.empties}` is emptied" if rule.empties else "the row is quarantined"
            lines.append(f"`{rule.earlier}` must not come after `{rule.later}`; else {effect}.")
        lines += ["", "| column | type | unit | meaning | rules |", "|---|---|---|---|---|"]
        for column in table.columns:
            name = f"**{column.name}**" if column.required else column.name
            lines.append(f"| {name} | {column.type} | {column.unit} | {column.meaning} | {_rules(table, column)} |")
    return "\n".join(lines) + "\n"


def _rules(table: Table, column: Column) -> str:
    rules = []
    if column.name in table.key:
        rules.append("key")
    if column.absent:
        rules.append("may be left out as a whole")
    if column.references:
        rules.append(f"in {column.references}")
    if column.minimum is not None:
        top = f" to {column.maximum:g}" if column.maximum is not None else " or more"
        rules.append(f"{column.minimum:g}{top}")
    if column.allowed:
        rules.append("one of " + ", ".join(column.allowed))
    if column.name == "score":
        rules.append(", ".join(f"{low} to {high} on {scale}" for scale, (low, high) in SCORE_RANGES.items()))
    if column.person:
        rules.append("pseudonym")
    if column.personal:
        rules.append("personal")
    if column.plan:
        rules.append("may lie ahead")
    if column.known_with:
        rules.append(f"known with {column.known_with}")
    return "; ".join(rules)


_HEAD = """# The contract: what a company brings

Generated from `toolkit/contract.py` by `python -m toolkit.contract`; a test fails when this page is stale.
Bold tables are needed for anything to run; each other table unlocks what stands beside it. Bold columns are
required in every row of their table; any other column may be left out."""

_RULES = """## What happens to a value that does not fit

Checks run once, on entry; the receipt counts every case by its reason.

- A row without a usable required column, or with an unusable amount (money, score), is *quarantined*: kept apart
  under `data/<company>/quarantine/`, never in a report.
- A value that does not fit any other column is *emptied*: the row stays. So are impossible times.
- A row whose required reference points to a row that was itself quarantined is a *cascade*: it is counted apart and
  not held against `max_quarantined_share`. A reference to nothing at all is quarantined.
- Of rows that are equal in every column, one is kept. Rows that share a key and differ are all quarantined.
- Key columns may be empty only where they are not required (`valid_from`).
- Two spans of a customer that overlap are quarantined: which place was theirs is not settled.
- A JSON column that holds no JSON object is emptied.
- A raw folder that holds a link leading out of it is refused, and so is a CSV whose quotes DuckDB did not notice
  (they appear late in a long file): name `quote` in read_csv.
- Columns marked *personal* are dropped unless the company's `base.yaml` opens them by name (`open_personal`).
- Columns marked *pseudonym* are replaced by 96 bits of an HMAC-SHA-256 under the company's key.
- A score whose answer time is lost counts as answered 30 days after its invitation.
"""

LOST_ANSWER_DAYS = 30

if __name__ == "__main__":
    print(document(), end="")
