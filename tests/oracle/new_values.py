"""Fresh values for the columns of a legacy Chinook database; all of them pass the rules of examples/chinook.

Texts carry the seed and a number, so a new text is never one that was there before.
"""

from datetime import date, datetime, timedelta

_WORDS = [
    "Größe", "O'Brien", "naïve", "Ğül", "東京", "Ελλάς", "fish & chips", "\"quoted\"", "100 %", "a;b--c", "Ænima", "🎧",
]
_MEDIA = ["MPEG audio file", "AAC audio file", "Protected AAC audio file", "Purchased AAC audio file", "Protected MPEG-4 video file"]


class NewValues:
    """Draws from the mutation's own generator, so a seed decides everything."""

    def __init__(self, random, seed):
        self.random, self.seed, self.drawn = random, seed, 0

    def new(self, table, column):
        """A value for a column that is neither key nor reference."""
        self.drawn += 1
        if column == "Name" and table == "MediaType" and self.random.random() < 0.6:
            return self.random.choice(_MEDIA)
        kinds = {
            "UnitPrice": self._price, "Total": self._price, "Milliseconds": self._large, "Bytes": self._large, "Quantity": self._quantity,
            "InvoiceDate": self._moment, "BirthDate": self._birthday, "HireDate": self._midnight, "Email": self._email,
            "PostalCode": self._code, "BillingPostalCode": self._code, "Phone": self._phone, "Fax": self._phone,
        }
        return kinds.get(column, self._text)()

    def _price(self):
        return self.random.randint(0, 2999) / 100

    def _large(self):
        return self.random.randint(1, 5_000_000_000)

    def _quantity(self):
        return self.random.randint(1, 9)

    def _moment(self):
        moment = datetime(2031, 1, 1) + timedelta(seconds=self.random.randrange(2 * 365 * 86_400))
        fraction = self.random.choice(["", "", "", ".5", ".000250"])
        return moment.isoformat(sep=self.random.choice(" T")) + fraction

    def _birthday(self):
        return self._day(date(1940, 1, 1), 22_000)

    def _midnight(self):
        return self._day(date(2000, 1, 1), 9_000)

    def _day(self, first, span):
        return f"{first + timedelta(days=self.random.randrange(span))} 00:00:00"

    def _email(self):
        name = self.random.choice(["ada", "Grace", "ZOË", "o'neil", "x+y"])
        return f"{name}.{self.seed}.{self.drawn}@{self.random.choice(['mail', 'Post'])}.example"

    def _code(self):
        return f"{self.seed % 1000}-{self.drawn}"

    def _phone(self):
        return f"+{self.seed % 1000} {self.drawn} {self.random.randint(100, 999)}"

    def _text(self):
        return f"{self.random.choice(_WORDS)} {self.seed}.{self.drawn}"
