"""What has a company declared beside its data: times, promises, decisions? The typed YAML files of params/."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator

from toolkit import company as companies
from toolkit.company import GRID_DIMENSIONS, Company
from toolkit.errors import first_five

_PLACES = (*GRID_DIMENSIONS, "fulfilment")  # columns that say where a decision holds


class Activity(BaseModel):
    """The time equation of one activity in ``cost.yaml``: base seconds, and seconds per driver (which may save time).

    ``give_or_take``: share by which the true time may lie above or below.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    pool: str
    seconds: int = Field(ge=0)
    per: dict[str, int] = {}
    give_or_take: float = Field(default=0, ge=0, lt=1)


class Support(BaseModel):
    """Pools that serve pools, and how what they cost is passed on before customers are charged.

    ``serves``: pool -> pools it serves -> how much of it each uses, in whole numbers of any unit.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    method: Literal["direct", "step_down", "reciprocal"] = "reciprocal"
    serves: dict[str, dict[str, Annotated[int, Field(ge=0)]]] = Field(min_length=1)


class Handling(BaseModel):
    """What handling is assumed to cost where no activities are recorded, in cents."""

    model_config = ConfigDict(extra="forbid", strict=True)

    cents_per_order: int = Field(ge=0)
    cents_per_line: int = Field(ge=0)


class PaymentRate(BaseModel):
    """What taking a payment is assumed to cost: cents for each, and thousandths of its amount."""

    model_config = ConfigDict(extra="forbid", strict=True)

    cents: int = Field(default=0, ge=0)
    per_mille: int = Field(default=0, ge=0, le=1000)


class Tariff(BaseModel):
    """What a shipment is assumed to cost where no charge is on record and the ledger posts no freight."""

    model_config = ConfigDict(extra="forbid", strict=True)

    cents_per_shipment: int = Field(default=0, ge=0)
    cents_per_kg: int = Field(default=0, ge=0)
    cents_per_km: int = Field(default=0, ge=0)


class Freight(BaseModel):
    """How an invoice is shared among shipments without a charge of their own, and the tariff where there is neither."""

    model_config = ConfigDict(extra="forbid", strict=True)

    shared_by: Literal["weight", "volume", "distance", "weight_distance", "shipments"] = "weight"
    tariff: Tariff | None = None


class CostRules(BaseModel):
    """``cost.yaml``: the time equations, or the assumption that stands in for them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    activities: dict[str, Activity] = {}
    support: Support | None = None
    standards: dict[str, dict[str, Annotated[float, Field(ge=0)]]] = {}  # segment -> driver -> units an order
    capacity_give_or_take: dict[str, Annotated[float, Field(ge=0, lt=1)]] = {}  # pool -> share
    handling: Handling | None = None
    freight: Freight = Freight()
    payments: dict[str, PaymentRate] = {}

    @model_validator(mode="after")
    def _support_works_for_no_customer(self) -> Self:
        serving = set(self.support.serves) if self.support else set()
        if both := sorted({rule.pool for rule in self.activities.values()} & serving):
            raise ValueError(
                f"a pool that serves pools has no activities for customers of its own, found {', '.join(both)}"
            )
        return self


class Promise(BaseModel):
    """What a company promises a segment or channel (empty: all), in ``targets.yaml``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    measure: Literal["on_time", "in_full", "otif", "perfect", "line_fill", "unit_fill", "nps"]
    at_least: float  # share, 0-1; nps: points
    segment: str = ""
    channel: str = ""
    felt: str = ""  # item of the survey that says whether customers notice
    felt_at_least: float = Field(default=0.5, ge=0, le=1)  # share of answers that are content


FLOORS = ("on_time", "in_full", "otif", "perfect", "line_fill", "free_of_complaint", "answered_in_time", "ranged")


class Floor(BaseModel):
    """A floor in ``targets.yaml``: the share that a segment, channel or department (empty: all) may expect."""

    model_config = ConfigDict(extra="forbid", strict=True)

    measure: Literal[FLOORS]
    at_least: float = Field(gt=0, le=1)  # share, 0-1
    segment: str = ""
    channel: str = ""
    department: str = ""  # whose answers are timed
    hours: int = Field(default=24, gt=0)  # within which an answer is in time

    @model_validator(mode="after")
    def _departments_answer(self) -> Self:
        if self.department and self.measure != "answered_in_time":
            raise ValueError("a department is only known of answers: department needs measure answered_in_time")
        return self


SCORECARD = (  # measures of the governance page: docs/METHODS.md section 7.1
    "net_revenue", "margin", "cost_to_serve", "nps", "on_time", "otif", "lifetime_value", "unmet", "agility",
    "visibility", "discipline", "floors_failed",
)  # fmt: skip
CHARTED = ("order_value", "on_time", "otif", "free_of_complaint", "nps", "wishes_met", "postings")  # months: 7.2


class Target(BaseModel):
    """A target of the scorecard in ``targets.yaml``, of a segment or channel (empty: of all together), and whose it is.

    In the unit of the measure: cents, shares (0-1), points of NPS, distance of an index, number of floors.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    measure: Literal[SCORECARD]
    at_least: float | None = None
    at_most: float | None = None
    segment: str = ""
    channel: str = ""
    owner: str = ""

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("a target has at_least or at_most, one of them")
        if self.channel and not self.segment:
            raise ValueError("a figure of a channel is that of a segment: channel needs segment")
        return self


class Targets(BaseModel):
    """``targets.yaml``; ``renamed``: what a segment was called -> what it is called now."""

    model_config = ConfigDict(extra="forbid", strict=True)

    promises: list[Promise] = []
    floors: list[Floor] = []
    scorecard: list[Target] = []
    renamed: dict[str, str] = {}

    @model_validator(mode="after")
    def _each_target_once(self) -> Self:
        places = [f"{one.measure} of {one.segment or 'all'} {one.channel}".strip() for one in self.scorecard]
        if twice := sorted({place for place in places if places.count(place) > 1}):
            raise ValueError(f"scorecard: each place has one target, found two of: {first_five(twice)}")
        now = list(self.renamed.values())
        if twice := sorted({name for name in now if now.count(name) > 1}):
            raise ValueError(f"renamed: segments that became one are no renamed ones, found for: {', '.join(twice)}")
        if both := sorted(set(self.renamed) & set(now)):
            raise ValueError(
                f"renamed: name the last name of each, found names that are old and new: {', '.join(both)}"
            )
        return self


class Expectation(BaseModel):
    """What a decision was expected to change, and within which ends; late: share of orders, nps: points, the others in
    the unit of their figure."""

    model_config = ConfigDict(extra="forbid", strict=True)

    measure: Literal["late", *SCORECARD]
    change: float
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("expected low and high, or neither")
        if self.low is not None and not self.low <= self.change <= self.high:
            raise ValueError(
                f"expected low, change and high in this order, found {self.low}, {self.change}, {self.high}"
            )
        if self.change == 0:
            raise ValueError("a change is expected to be another than 0")
        return self


class Decision(BaseModel):
    """An operational change in ``decisions.yaml``: the day it began, where it holds, among which orders to compare.

    For governance: whose, why, what is done, what was expected by when, which decision it follows, and of which
    monthly charts the limits begin anew with it.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1)
    starts: date
    where: dict[Literal[_PLACES], list[str]] = Field(min_length=1)
    among: dict[Literal[_PLACES], list[str]] = {}
    team: str = ""
    owner: str = ""
    root_cause: str = ""
    countermeasure: str = ""
    expects: Expectation | None = None
    check_on: date | None = None
    follows: str = ""
    rebases: list[Literal[CHARTED]] = []

    @model_validator(mode="after")
    def _checked_after_it_began(self) -> Self:
        if self.check_on and self.check_on <= self.starts:
            raise ValueError(f"check_on: expected a day after {self.starts}, found {self.check_on}")
        if self.expects and not self.check_on:
            raise ValueError("what is expected needs check_on: the day to look at what came")
        return self


class Decisions(BaseModel):
    """``decisions.yaml``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    decisions: list[Decision] = []

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        names = [one.name for one in self.decisions]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"each decision has a name of its own, found twice: {first_five(twice)}")
        plain = [re.sub(r"\W+", "_", name.lower()).strip("_") for name in names]  # as in the ids of their figures
        if alike := sorted({names[at] for at, name in enumerate(plain) if plain.count(name) > 1 or not name}):
            raise ValueError(f"names differ in letters or digits, found: {first_five(alike)}")
        begun = {one.name: one.starts for one in self.decisions}
        for one in self.decisions:
            if one.follows and one.follows not in begun:
                raise ValueError(f"{one.name!r} follows {one.follows!r}, which is no decision here")
            if one.follows and begun[one.follows] >= one.starts:
                raise ValueError(f"{one.name!r} begins no later than {one.follows!r}, which it follows")
        return self


TODAY = "today"  # the policy that is read off the data
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Policy(BaseModel):
    """A service policy in ``policies.yaml``: what it changes, and for which segments and channels (none: all)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1)
    segment: list[str] = []
    channel: list[str] = []
    region: list[str] = []
    carrier: dict[str, str] = {}  # from -> to
    fulfilment: dict[str, str] = {}  # from -> to
    site: dict[str, str] = {}  # from -> to
    promise_days: int = 0  # later; earlier below 0
    cut_off: int | None = Field(default=None, ge=1, le=24)  # hour from which an order counts for the next day
    delivery_days: list[Literal[_WEEKDAYS]] = []
    consolidate_days: int = Field(default=0, ge=0, le=31)
    minimum_order: int = Field(default=0, ge=0)  # cents
    freight_charge: int = Field(default=0, ge=0)  # cents a shipment
    free_from: int = Field(default=0, ge=0)  # cents of order value from which no freight is charged
    window_hours: int = Field(default=0, ge=0, le=72)  # between the begin and the end of what is promised
    stock_service: int = Field(default=0, ge=0, le=99)  # per cent of pieces, of articles that ran out

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.name == TODAY:
            raise ValueError(f"'{TODAY}' is the policy that is read off the data; give this one another name")
        if not self.levers():
            raise ValueError("a policy changes a lever at least, found none")
        if self.minimum_order and not self.consolidate_days:
            raise ValueError("minimum_order needs consolidate_days: how long an order may wait for others")
        if self.free_from and not self.freight_charge:
            raise ValueError("free_from needs freight_charge: what is charged below it")
        return self

    def levers(self) -> list[tuple[str, str, str]]:
        """What it changes: lever, of what ("" where there is one value), value."""
        found = [
            (lever, key, value)
            for lever in ("carrier", "fulfilment", "site")
            for key, value in getattr(self, lever).items()
        ]
        numbers = ("promise_days", "window_hours", "cut_off", "consolidate_days", "minimum_order", "freight_charge",
                   "free_from", "stock_service")  # fmt: skip
        found += [(lever, "", str(getattr(self, lever))) for lever in numbers if getattr(self, lever)]
        return found + [("delivery_days", "", day) for day in self.delivery_days]


class Policies(BaseModel):
    """``policies.yaml``: policies, a budget of cost to serve a period (cents), and which activities follow what.

    ``holding_percent``: what holding stock costs a year, of the cost of its goods.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    policies: list[Policy] = []
    budget: int | None = Field(default=None, gt=0)
    holding_percent: int = Field(default=0, ge=0, le=100)
    per_shipment: list[str] = []  # activities done once a shipment, however many orders it holds
    after_failure: list[str] = []  # activities done because something went wrong

    @model_validator(mode="after")
    def _each_name_once(self) -> Self:
        names = [policy.name for policy in self.policies]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"each policy has a name of its own, found twice: {', '.join(twice)}")
        if (stocked := [one.name for one in self.policies if one.stock_service]) and not self.holding_percent:
            raise ValueError(f"stock_service needs holding_percent: what stock costs; found none, and {stocked[0]!r}")
        if both := sorted(set(self.per_shipment) & set(self.after_failure)):
            raise ValueError(f"an activity is done once a shipment or after a failure, found both: {', '.join(both)}")
        return self


EVIDENCE = (  # what may show a need: docs/METHODS.md section 4.3
    "window_missed", "late", "short", "rush", "stock_out", "order_size", "uneven_size", "order_gap",
)  # fmt: skip


class Need(BaseModel):
    """A need in ``needs.yaml``: of which measures its customers show more, or less, than their peers."""

    model_config = ConfigDict(extra="forbid", strict=True)

    evidence: dict[Literal[EVIDENCE], Literal["more", "less"]] = Field(min_length=1)


class Solution(BaseModel):
    """A standard solution in ``needs.yaml``: the needs it covers, the terms it is, what keeping it costs a year."""

    model_config = ConfigDict(extra="forbid", strict=True)

    covers: list[str] = Field(min_length=1)
    terms: dict[str, str] = Field(min_length=1)
    cents_a_year: int = Field(default=1, ge=1)


class Term(BaseModel):
    """A term of agreements in ``needs.yaml``: what it weighs (0: no part of the service), wordings that mean the same.

    ``same``: what is meant -> how else it is worded.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    weight: int = Field(default=1, ge=0)
    same: dict[str, list[str]] = {}


class Needs(BaseModel):
    """``needs.yaml``: request type -> needs that may stand behind it -> evidence; solutions, terms, the standard."""

    model_config = ConfigDict(extra="forbid", strict=True)

    requests: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    needs: dict[str, Need] = {}
    solutions: dict[str, Solution] = {}
    standard: dict[str, str] | None = None  # none declared: what most agreements have
    terms: dict[str, Term] = {}

    @model_validator(mode="wrap")
    @classmethod
    def _fits_together(cls, told: object, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """All faults at once: those of each entry, and those between them."""
        faults, found = [], None
        try:
            found = validate(told)
        except ValidationError as error:
            faults = [
                {name: fault[name] for name in ("type", "loc", "input", "ctx") if name in fault}
                for fault in error.errors()
            ]
        if isinstance(told, dict):
            faults += [_misfit(where, text) for where, text in _misfits(told)]
        if faults:
            raise ValidationError.from_exception_data(cls.__name__, faults)
        return found


def _misfit(where: tuple[str, ...], text: str) -> dict:
    return {"type": "value_error", "loc": where, "input": None, "ctx": {"error": ValueError(text)}}


def _misfits(told: dict) -> Iterator[tuple[tuple[str, ...], str]]:
    """What does not fit together in ``needs.yaml``: where, and what was expected."""
    parts = {name: told.get(name) for name in ("requests", "needs", "solutions", "terms")}
    requests, needs, solutions, terms = (part if isinstance(part, dict) else {} for part in parts.values())
    known = ", ".join(needs) or "none"
    lists = {kind: names for kind, names in requests.items() if isinstance(names, list)}
    covered = {name: one.get("covers") for name, one in solutions.items() if isinstance(one, dict)}
    covered = {name: needed for name, needed in covered.items() if isinstance(needed, list)}
    if told and not needs:
        yield ("needs",), "expected a need at least, found none"
    for where, named in (("requests", lists), ("solutions", covered)):
        for name, several in named.items():
            if unknown := [one for one in several if one not in needs]:
                inside = (where, name) if where == "requests" else (where, name, "covers")
                yield inside, f"needs that are not declared: {first_five(unknown)}; declared are: {known}"
            if len(set(map(str, several))) < len(several):
                yield (where, name), "names a need twice"
    for name, need in needs.items():
        if not any(name in several for several in lists.values()):
            yield ("needs", name), "no request leads to it; name it behind a request type, or leave it out"
        if solutions and not any(name in several for several in covered.values()):
            yield ("needs", name), "no solution covers it"
        evidence = need.get("evidence") if isinstance(need, dict) else None
        for other in [one for one in needs if one < name]:
            same = isinstance(needs[other], dict) and evidence and needs[other].get("evidence") == evidence
            if same and any({name, other} <= set(map(str, several)) for several in lists.values()):
                yield ("needs", name), f"the same evidence as {other!r}: nothing would tell them apart"
    for name, term in terms.items():
        same = term.get("same") if isinstance(term, dict) else None
        wordings = [word for several in same.values() if isinstance(several, list) for word in several] if same else []
        if twice := sorted({word for word in wordings if wordings.count(word) > 1 or word in same}):
            yield ("terms", name), f"wordings with two meanings: {first_five(twice)}"


DISCIPLINES = ("operational_excellence", "customer_intimacy", "product_leadership")
POSITION = (  # measures of a segment: docs/METHODS.md section 6.2
    "cost_per_order", "lead_time_sd", "perfect", "standard_share", "tailored_share", "campaign_repeats", "retention",
    "value_a_year", "nps", "categories", "product_felt", "ranged", "new_share",
)  # fmt: skip


class Anchor(BaseModel):
    """Between which values a measure counts in ``disciplines.yaml``: 0 at the threshold, 1 where it is excellent."""

    model_config = ConfigDict(extra="forbid", strict=True)

    threshold: float
    excellent: float
    weight: float = Field(default=1, gt=0)

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.threshold == self.excellent:
            raise ValueError("threshold and excellent are the same: nothing would lie between them")
        return self


class Disciplines(BaseModel):
    """``disciplines.yaml``: measures of each discipline, what segments are meant to lead in, felt item, spend band."""

    model_config = ConfigDict(extra="forbid", strict=True)

    operational_excellence: dict[Literal[POSITION], Anchor] = {}
    customer_intimacy: dict[Literal[POSITION], Anchor] = {}
    product_leadership: dict[Literal[POSITION], Anchor] = {}
    segments: dict[str, Literal[DISCIPLINES]] = {}
    felt_item: str = "felt_personal"
    felt_at_least: float = Field(default=0.5, gt=0, lt=1)
    spend_band: Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=2, max_length=2)] = [0.0, 1.0]

    @model_validator(mode="after")
    def _each_measure_once(self) -> Self:
        names = [name for each in DISCIPLINES for name in getattr(self, each)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"a measure counts for one discipline, found for several: {', '.join(twice)}")
        if self.spend_band[0] > self.spend_band[1]:
            raise ValueError(f"spend_band: expected its lower end first, found {self.spend_band}")
        return self


FILES: dict[str, type[BaseModel]] = {
    "cost.yaml": CostRules,
    "targets.yaml": Targets,
    "decisions.yaml": Decisions,
    "policies.yaml": Policies,
    "needs.yaml": Needs,
    "disciplines.yaml": Disciplines,
}


def declared(company: Company, name: str) -> BaseModel:
    """What one of ``FILES`` in a company's params says; where there is no such file, that nothing is declared.

    Raises
    ------
    ParamsError
        If it is not what its model asks for: all faults together, with their lines.
    """
    path = company.params / name
    return companies.validated(FILES[name], companies.read_yaml(path), path) if path.exists() else FILES[name]()
