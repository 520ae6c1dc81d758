"""Raw files of a coffee roaster, as its shop system might write them: ``python docs/tutorial/roaster.py FOLDER``.

Three files with semicolons, decimal commas and days first; 900 customers, 9,000 orders from July 2025 to September
2026, and one in eight late. Nobody lives in them.
"""

import csv
import datetime as dt
import random
import sys
from pathlib import Path

FROM = dt.datetime(2025, 7, 1, tzinfo=dt.UTC)


def main(folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    draw, customers, orders, lines = random.Random(7), [], [], []
    for i in range(900):
        customers.append([f"C{i:05}", draw.choice(["café", "office", "home"]), draw.choice(["Noord", "Zuid", "Oost"])])
    for i in range(9_000):
        who = customers[int(900 * draw.random() ** 2)]
        at = FROM + dt.timedelta(minutes=draw.randrange(60 * 24 * 457))
        promised = at + dt.timedelta(days=2)
        arrived = promised + dt.timedelta(hours=draw.choice([-20, -10, -5, -30, -8, -12, -3, 26]))
        times = [f"{time:%d-%m-%Y %H:%M}" for time in (at, promised, arrived)]
        orders.append([f"R{i:06}", who[0], draw.choice(["web", "telephone"]), *times])
        for row in range(1, draw.randrange(2, 5)):
            pieces, price = draw.randrange(1, 12), draw.randrange(600, 2_400)
            amount = f"{pieces * price / 100:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".")
            lines.append([f"R{i:06}", row, f"bag-{draw.randrange(40)}", pieces, amount])
    for name, head, rows in (
        ("customers", ["customer_no", "customer_type", "region"], customers),
        ("orders", ["order_no", "customer_no", "channel", "order_date", "promised_date", "delivered_date"], orders),
        ("order_lines", ["order_no", "line_no", "article", "quantity", "line_total"], lines),
    ):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=";").writerows([head, *rows])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
