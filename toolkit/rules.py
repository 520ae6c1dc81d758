"""What has a company declared beside its data: times, promises, decisions? The typed YAML files of params/."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from toolkit.company import GRID_DIMENSIONS

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


class Targets(BaseModel):
    """``targets.yaml``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    promises: list[Promise] = []


class Decision(BaseModel):
    """An operational change in ``decisions.yaml``: the day it began, where it holds, among which orders to compare."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    starts: date
    where: dict[Literal[_PLACES], list[str]] = Field(min_length=1)
    among: dict[Literal[_PLACES], list[str]] = {}


class Decisions(BaseModel):
    """``decisions.yaml``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    decisions: list[Decision] = []
