# SPDX-License-Identifier: Apache-2.0
"""What the corpus is made of: for each class its values, with and without a key, and the words that name it; and
the fields that hold no class at all."""
import ids
import papers
import values as v
import words

# class -> (values that stand on their own or None, values that want a key, key phrases, English first)
POSITIVE = {}


def add(name, alone, keyed, *phrases):
    POSITIVE[name] = (alone, keyed or alone, phrases)


add("email", v.email, None, "email", "email address", "user email", "contact email", "mail", "work email", "e-mail-adresse",
    "courriel", "correo", "correo electronico", "posta elettronica", "adresse email")
add("phone", v.phone, lambda r: r.choice([v.phone, v.phone_national])(r), "phone", "phone number", "mobile", "mobile phone",
    "telephone", "home phone", "tel", "cell phone", "telefon", "telefonnummer", "telefono", "telefone", "mobilnummer",
    "telefoonnummer", "numer telefonu", "msisdn")
add("pan", v.pan, None, "pan", "card number", "credit card number", "cc number", "card no", "primary account number",
    "kreditkartennummer", "numero de carte", "numero tarjeta", "numero carta", "numero cartao", "kaartnummer")
add("iban", v.iban, None, "iban", "bank account", "account number", "kontonummer", "rekeningnummer", "numer konta", "iban code")
add("us_ssn", v.us_ssn, lambda r: r.choice([v.us_ssn, v.us_ssn_bare])(r), "ssn", "social security number", "social security no",
    "socsec", "employee ssn", "applicant ssn")
add("jwt", v.jwt, None, "token", "id token", "access token", "jwt", "session")
add("aws_access_key", v.aws_access_key, None, "aws access key id", "access key", "key", "aws key")
add("private_key", v.private_key, None, "private key", "tls key", "pem", "ssh key")
add("basic_auth", v.basic_auth, None, "authorization", "proxy authorization", "auth header")
add("password", None, v.password, "password", "passwd", "pwd", "user password", "db password", "new password", "passwort",
    "kennwort", "mot de passe", "contrasena", "senha", "wachtwoord", "haslo")

for row in ids.ROWS + words.ROWS + papers.ROWS:
    add(row[0], row[1], row[2], *row[3])

# Key phrases and values of fields that hold nothing.
NEGATIVE = [
    ("order id", v.luhn_id), ("order number", v.row_id), ("tracking number", v.tracking), ("tracking id", v.luhn_id),
    ("invoice number", v.sku), ("id", v.row_id), ("id", v.uuid), ("uuid", v.uuid), ("request id", v.uuid), ("trace id", v.digest),
    ("created at", v.timestamp), ("updated", v.timestamp), ("timestamp", v.timestamp), ("expires", v.timestamp),
    ("version", v.version), ("app version", v.version), ("sku", v.sku), ("ean", v.ean), ("gtin", v.ean), ("hash", v.digest),
    ("etag", v.digest), ("checksum", v.digest), ("integrity", v.digest_b64), ("price", v.price), ("amount", v.price),
    ("latency", v.price), ("count", v.small), ("total", v.small), ("page", v.small), ("quantity", v.small), ("slug", v.slug),
    ("category", v.slug), ("product code", v.sku), ("batch", v.row_id), ("tweet id", v.snowflake), ("message id", v.snowflake),
    ("cursor", v.cursor), ("next page", v.cursor), ("self", v.url), ("href", v.url), ("image", v.url), ("row", v.phone_like),
    ("ticket id", v.phone_like), ("case number", v.phone_like), ("serial", v.phone_like), ("session count", v.small),
    ("transaction ref", v.luhn_id), ("shipment", v.tracking), ("ulid", v.ulid), ("ref", v.ulid), ("build", v.digest),
    ("commit", v.digest), ("status", lambda r: r.choice(["active", "shipped", "PENDING", "ok", "closed"])),
    ("state", lambda r: r.choice(["open", "done", "NEW"])), ("type", lambda r: r.choice(["standard", "express", "GOLD"])),
    ("currency", lambda r: r.choice(["EUR", "USD", "GBP", "PLN"])), ("unit", lambda r: r.choice(["kg", "pcs", "l"])),
    ("card brand", lambda r: r.choice(["visa", "mastercard"])), ("last four", lambda r: v.digits(r, 4)),
    ("card number masked", v.masked), ("email hash", v.digest), ("password hash type", lambda r: r.choice(["bcrypt", "argon2"])),
    ("email verified", lambda r: r.choice(["true", "false"])), ("phone verified", lambda r: r.choice(["true", "false"])),
    ("phone model", lambda r: r.choice(["Pixel 8", "A54", "iPhone 15"])), ("password reset url", v.url),
    ("email template", v.slug), ("phone count", v.small), ("password policy", lambda r: "min %d" % r.randint(8, 16)),
    ("description", lambda r: "%s %s for %s" % (v.word(r), v.word(r), v.word(r))), ("title", lambda r: v.word(r).capitalize()),
    ("flag", lambda r: r.choice(["true", "false"])), ("color", lambda r: "#" + v.pick(r, v.HEX, 6)), ("duration", v.small),
    ("offset", v.row_id), ("sequence", v.snowflake), ("gift card number", v.luhn_id), ("monkey", v.slug), ("keyboard", v.slug),
    ("pagesize", v.small), ("cache age", v.small), ("max age", v.small), ("host name", v.slug), ("file name", v.slug), ("user agent version", v.version),
    ("domain", v.slug), ("event name", v.slug), ("product name", lambda r: v.word(r).capitalize()), ("company", lambda r: v.word(r).capitalize() + " GmbH"),
    ("start date", lambda r: v.birthday(r, 2015, 2027).isoformat()), ("due date", lambda r: v.birthday(r, 2015, 2027).isoformat()),
    ("token type", lambda r: r.choice(["bearer", "mac"])), ("token count", v.small), ("api key id", v.uuid), ("secret name", v.slug),
    ("session length", v.small), ("pinned", lambda r: r.choice(["true", "false"])), ("race id", v.row_id), ("zip file", lambda r: v.slug(r) + ".zip"),
    ("email address count", v.small), ("gender required", lambda r: r.choice(["true", "false"])), ("street view", lambda r: r.choice(["true", "false"])),
    ("subnet mask", lambda r: "255.255.255.0"), ("error code", lambda r: "E" + v.digits(r, 4)), ("log level", lambda r: r.choice(["info", "warn"])),
    ("placeholder key", lambda r: "sk_live_" + "x" * 24), ("docs token", lambda r: "ghp_" + "x" * 36),
    ("public key id", v.digest), ("api version", v.version), ("account id", v.row_id), ("device model", v.slug),
    ("ratio", v.coordinate), ("score", v.price), ("zoom", v.small), ("bytes", v.row_id), ("port", v.small),
    ("parcel", v.luhn_id), ("contract no", v.sku), ("seat", lambda r: "%d%s" % (r.randint(1, 40), r.choice("ABCDEF"))),
]

# Columns of lists of records under names that say nothing: numbers with a check digit, and numbers that begin like them.
COLUMNS = [(n, POSITIVE[n][1]) for n in ("pl_pesel", "uk_nhs", "de_tax_id", "ro_cnp", "tr_tckn", "cn_resident_id", "th_id", "in_aadhaar", "bg_egn", "hr_oib",
                                         "si_emso", "za_id", "ee_isikukood")]
COLUMNS += [("pan", lambda r: v.luhn(r.choice(["4539", "5412", "4716"]) + v.digits(r, 11)))] * 4
COLUMNS_NONE = [lambda r: "4539" + v.digits(r, 12), lambda r: "51" + v.digits(r, 14), lambda r: v.digits(r, 11, "123456789"), lambda r: v.digits(r, 9, "123456789"),
                lambda r: v.digits(r, 10, "123456789"), v.snowflake, lambda r: v.luhn("77" + v.digits(r, 8)), lambda r: v.digits(r, 13, "123456789"),
                lambda r: "2026%02d%02d%s" % (r.randint(1, 12), r.randint(1, 28), v.digits(r, 5))]
ROW_NAMES = lambda r: r.choice(v.GIVEN) + " " + r.choice(v.FAMILY)
ROW_TITLES = lambda r: r.choice(["Blue", "Old", "Large", "Royal", "Solid"]) + " " + v.word(r).capitalize()

# Fields that are a person's beside an e-mail address and a shop's or a product's without: phrase, values of each, class.
STREET = lambda r: r.choice(words.STREETS) % r.randint(1, 240)
ZIP = lambda r: v.digits(r, 5)
AMBIGUOUS = [
    ("name", ROW_NAMES, ROW_TITLES, "person_name"), ("display name", ROW_NAMES, ROW_TITLES, "person_name"),
    ("address", STREET, STREET, "address"), ("zip", ZIP, ZIP, "postal_code"), ("age", lambda r: str(r.randint(18, 95)), v.small, "age"),
    ("born", lambda r: v.birthday(r).isoformat(), lambda r: v.birthday(r, 2015, 2027).isoformat(), "date_of_birth"),
    ("lat", v.coordinate, v.coordinate, "coordinates"),
]

# Names of objects around fields.
PERSON_OBJECTS = ["customer", "user", "resident", "employee", "applicant", "member", "kunde", "client", "usuario", "passenger",
                  "contact", "billing", "recipient", "account holder"]
THING_OBJECTS = ["order", "product", "event", "job", "item", "invoice", "metadata", "config", "metrics", "shipment", "payload",
                 "artikel", "pedido", "build info"]

# Texts. {K} is a phrase of the class, {V} its value, {N} something that is none.
TEXT_ALONE = [
    "please use {V} for this one", "the one on file is {V}, can you check it?", "Hi team,\\nwe received {V} yesterday.\\nThanks",
    "Ticket {N}: user wrote \"{V}\" in the chat", "{V}", "sent {V} to the partner at {N}", "I think {V} is wrong.",
    "Hallo, wir haben {V} eingetragen.", "bonjour, voici {V} merci", "hola, mando {V} otra vez", "see ({V}) in row {N}",
    "> {V}\\n> was rejected", "new value {V}; old value unknown", "Summarise this for me: the customer gave {V} and left.",
]
TEXT_KEYED = [
    "my {K} is {V}", "{K}: {V}", "{K} {V} was not accepted", "the {K} of the applicant is {V}", "You are a helpful clerk. "
    "The {K} is {V}. Fill in the form.", "{K} = {V}", "please change my {K} to {V}", "({K}: {V})", "new {K}: {V}, job {N}",
    "- {K}: {V}\\n- status: open", "Re: case {N}. {K}: {V}", "Can you verify that {K} {V} is right?",
]
TEXT_NONE = [
    "the build {N} took {N} ms", "order {N} was shipped with {N}", "no phone, no email: call back on ticket {N}",
    "version {N} fixes the bug of {N}", "GET /v1/items/{N} 200 {N}", "job {N} retried at {N} after {N}", "your password must have "
    "at least 12 characters", "enter your card number and the code on the back", "checksum {N} ok", "{N} {N} {N}",
    "sum of rows {N} and {N}", "The meeting moved; room 12, agenda of {N}.", "Bitte Auftrag {N} bis Freitag liefern",
    "la commande {N} est partie", "el pedido {N} llega el lunes", "passwords are hashed with bcrypt, cost 12",
    "email notifications are off", "we need the ssn field to be optional", "What is the capital of France? Answer in one word.",
]
