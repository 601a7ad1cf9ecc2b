# SPDX-License-Identifier: Apache-2.0
"""Values of classes that live by their key, and of secrets: what people and programs put into such fields."""
import values as v
from values import ALNUM, HEX, UPPER, B64URL, birthday, digits, pick, token

ROWS = []
TEXTLESS = set()	# classes that only a field's name can tell


def row(name, alone, keyed, *phrases):
    ROWS.append((name, alone, keyed, phrases))


def words(name, choices, *phrases):
    TEXTLESS.add(name)
    ROWS.append((name, None, lambda r: r.choice(choices), phrases))


def field(name, make, *phrases):
    TEXTLESS.add(name)
    ROWS.append((name, None, make, phrases))


row("ip", None, v.ip, "ip", "client ip", "remote addr", "ip address", "last login ip", "source ip")
row("mac", v.mac, None, "mac", "mac address", "wifi mac", "hw addr")
row("url_credentials", lambda r: "%s://%s:%s@%s.%s.internal:%d/%s" % (
    r.choice(["postgres", "mysql", "redis", "amqp", "mongodb", "https"]), v.word(r), token(r, ALNUM, 12), v.word(r), v.word(r), r.randint(1025, 9999), v.word(r)),
    None, "database url", "dsn", "connection string", "redis url")
row("bearer_token", lambda r: "Bearer " + token(r, ALNUM + "-_", r.randint(24, 60)).strip("-_"), None, "authorization", "proxy authorization", "auth header")
row("password_hash", lambda r: r.choice([
    "$2b$12$" + token(r, ALNUM + "./", 53), "$2y$10$" + token(r, ALNUM + "./", 53),
    "$argon2id$v=19$m=65536,t=3,p=4$%s$%s" % (token(r, ALNUM, 22), token(r, ALNUM, 43)),
    "$6$%s$%s" % (token(r, ALNUM, 12), token(r, ALNUM + "./", 86)), "pbkdf2_sha256$600000$%s$%s=" % (token(r, ALNUM, 22), token(r, ALNUM, 43))]),
    None, "password hash", "shadow", "hash")
field("aws_secret_key", lambda r: token(r, ALNUM + "/+", 40), "aws secret access key", "secret access key", "aws secret key")
field("api_key", lambda r: r.choice([token(r, ALNUM, 32), token(r, HEX, 40), token(r, ALNUM + "-_", 43).strip("-_")]), "api key", "x-api-key", "api secret",
      "signing key", "webhook secret", "shared secret", "master key")
field("oauth_secret", lambda r: token(r, B64URL, 40).strip("-_"), "client secret", "refresh token", "consumer secret", "oauth token")
field("session_cookie", lambda r: r.choice([token(r, HEX, 32), token(r, ALNUM, 26)]), "session id", "phpsessid", "jsessionid", "session token", "sessid",
      "csrfmiddlewaretoken", "xsrf token", "authenticity token")
field("otp", lambda r: digits(r, 6), "otp", "one time code", "mfa code", "verification code", "sms code",
      "one time pin", "verify code")
field("reset_token", lambda r: token(r, ALNUM, 40), "reset token", "password reset token", "magic token", "activation token",
      "recovery token", "email verification token")
field("cvv", lambda r: digits(r, 3), "cvv", "cvc", "card cvv", "security code", "cvv2")
field("card_expiry", lambda r: r.choice(["%02d/%02d", "%02d/20%02d"]) % (r.randint(1, 12), r.randint(26, 33)), "card expiry", "expiry date", "expiration date",
      "exp date", "valid thru",
      "card expire", "cc expiration", "fecha de vencimiento")
field("pin", lambda r: digits(r, 4), "pin", "card pin", "pin code", "atm pin")
field("bank_account", lambda r: digits(r, r.randint(8, 12), "123456789"), "bank account number", "account no", "acct number", "checking account",
      "acct num", "account nbr", "bank acct num", "nr konta")
NAMES = lambda r: r.choice(v.GIVEN) + " " + r.choice(v.FAMILY)
field("person_name", lambda r: r.choice([NAMES, lambda r: r.choice(v.FAMILY)])(r), "full name", "last name", "surname", "customer name", "name on card",
      "nachname", "prenom", "apellidos", "cognome", "sobrenome", "achternaam", "nazwisko", "cardholder name", "given name",
      "frst nm", "lst nm", "user first name", "company contact name", "efternamn", "prijmeni", "soyadi")
STREETS = ["%d Oak Street", "%d Market St", "Lindenstraße %d", "%d rue des Lilas", "Calle Mayor %d", "Via Roma %d", "Rua das Flores %d", "Keizersgracht %d",
           "ul. Długa %d", "%d Elm Ave Apt 4", "Hauptstr. %d", "%d avenue Foch"]
field("address", lambda r: r.choice(STREETS) % r.randint(1, 240), "street address", "address line 1", "street", "home address", "billing address",
      "strasse", "direccion", "indirizzo", "endereco", "anschrift")
field("postal_code", lambda r: r.choice([digits(r, 5), "%s %s" % (digits(r, 4, "123456789"), pick(r, UPPER, 2)), "SW%s %s%s" % (digits(r, 1), digits(r, 1), pick(r, "ABDEFH", 2)),
      "%s-%s" % (digits(r, 2), digits(r, 3))]), "zip code", "postal code", "postcode", "plz", "code postal", "codigo postal",
      "zip cd", "postnummer", "eircode")
field("date_of_birth", lambda r: birthday(r).strftime(r.choice(["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "%Y-%m-%dT00:00:00Z", "%d %B %Y", "%B %d, %Y", "%d-%b-%Y"])), "date of birth", "dob", "birth date",
      "birthday", "geburtsdatum", "date de naissance", "fecha de nacimiento", "data di nascita", "geboortedatum", "data urodzenia",
      "bday", "dob date", "fodselsdato", "dogum tarihi", "birth")
field("age", lambda r: str(r.randint(18, 95)), "patient age", "customer age", "age in years", "user age")
words("gender", ["male", "female", "M", "F", "non-binary", "weiblich", "femme", "hombre"], "gender", "sex", "geschlecht", "sexe", "sexo", "gender identity",
      "sex cd", "birth sex", "cinsiyet")
words("marital_status", ["married", "single", "divorced", "widowed", "verheiratet", "soltero"], "marital status", "civil status", "familienstand", "estado civil")
field("username", lambda r: v.word(r) + r.choice(["", "_", "."]) + digits(r, 2), "username", "user name", "login name", "login id", "screen name")
field("coordinates", v.coordinate, "latitude", "longitude", "gps lat", "geo lon", "breitengrad")
field("salary", lambda r: r.choice(["%d", "%d.00", "%d EUR"]) % (r.randint(20, 200) * 1000), "salary", "annual income", "base salary", "gehalt", "salaire", "stipendio")
field("credit_score", lambda r: str(r.randint(320, 850)), "credit score", "fico score", "fico")
words("nationality", ["German", "Polish", "Brazilian", "française", "DE", "Nigerian"], "nationality", "citizenship", "staatsangehörigkeit", "nacionalidad",
      "country of citizenship")
words("ethnicity", ["Hispanic or Latino", "Asian", "White British", "Roma", "Black African"], "ethnicity", "race", "ethnic group", "etnia",
      "ethnic background")
words("religion", ["Catholic", "Muslim", "Jewish", "Hindu", "evangelisch", "atheist"], "religion", "religious affiliation", "konfession", "religione",
      "religious beliefs")
words("political_opinion", ["Green Party", "conservative", "Labour", "socialist"], "political party", "political affiliation", "party affiliation", "partei")
words("union_membership", ["ver.di", "Unite the Union", "Teamsters Local 282", "CGT"], "union membership", "trade union", "gewerkschaft", "syndicat",
      "trade union member")
words("sexual_orientation", ["heterosexual", "bisexual", "gay", "lesbian"], "sexual orientation", "sexual preference", "orientation sexuelle")
field("biometric", lambda r: token(r, ALNUM + "+/", 120), "biometric template", "fingerprint template", "face embedding", "voiceprint")
field("medical_record_number", lambda r: r.choice(["MRN-%s", "%s"]) % digits(r, 8), "mrn", "medical record number", "patient id", "chart number",
      "med rec no")
words("diagnosis", ["Type 2 diabetes", "Major depressive disorder", "asthma", "Hypertonie", "migraine with aura"], "diagnosis", "medical condition", "diagnose", "symptoms",
      "chronic condition", "preexisting condition")
words("medication", ["Metformin 500 mg", "Lisinopril", "sertraline 50mg", "Ibuprofen"], "medication", "prescription", "drug name", "medikament",
      "prescription name")
words("allergy", ["Penicillin", "peanuts", "latex", "Hausstaub"], "allergies", "allergy", "allergen", "alergias")
words("blood_type", ["A+", "O-", "AB+", "B neg", "0+"], "blood type", "blood group", "blutgruppe", "groupe sanguin")
field("health_insurance_id", lambda r: pick(r, UPPER, 3) + digits(r, 9), "health insurance id", "insurance member id", "health plan id", "subscriber id")

# class -> formats of its tokens, of the issuers' documentation
TOKENS = {
    "github_token": [lambda r: (lambda b: r.choice(["ghp_", "gho_", "ghs_", "ghu_"]) + b + v.crc32_base62(b))(token(r, ALNUM, 30)),
                     lambda r: "github_pat_%s_%s" % (token(r, ALNUM, 22), token(r, ALNUM, 59))],
    "npm_token": [lambda r: (lambda b: "npm_" + b + v.crc32_base62(b))(token(r, ALNUM, 30))],
    "gitlab_token": [lambda r: "glpat-" + token(r, B64URL, 20), lambda r: "glptt-" + token(r, HEX, 40), lambda r: "gldt-" + token(r, B64URL, 20)],
    "slack_token": [lambda r: "xoxb-%s-%s-%s" % (digits(r, 12, "123"), digits(r, 12, "123"), token(r, ALNUM, 24)),
                    lambda r: "https://hooks.slack.com/services/T%s/B%s/%s" % (pick(r, UPPER + "0123456789", 8), pick(r, UPPER + "0123456789", 10), token(r, ALNUM, 24))],
    "stripe_key": [lambda r: r.choice(["sk_live_", "rk_live_", "sk_test_"]) + token(r, ALNUM, r.choice([24, 99])), lambda r: "whsec_" + token(r, ALNUM, 32)],
    "google_api_key": [lambda r: "AIza" + token(r, B64URL, 35)],
    "google_oauth": [lambda r: "GOCSPX-" + token(r, B64URL, 28), lambda r: "ya29." + token(r, B64URL, 120)],
    "openai_key": [lambda r: "sk-%sT3BlbkFJ%s" % (token(r, ALNUM, 20), token(r, ALNUM, 20)), lambda r: "sk-proj-" + token(r, ALNUM, 48)],
    "anthropic_key": [lambda r: "sk-ant-api03-" + token(r, B64URL, 93) + "AA"],
    "model_key": [lambda r: "hf_" + token(r, ALNUM, 34), lambda r: "r8_" + token(r, ALNUM, 37), lambda r: "gsk_" + token(r, ALNUM, 52), lambda r: "pplx-" + token(r, HEX, 48)],
    "mail_key": [lambda r: "SG.%s.%s" % (token(r, ALNUM, 22), token(r, ALNUM, 43)), lambda r: "key-" + token(r, HEX, 32), lambda r: "xkeysib-%s-%s" % (token(r, HEX, 64), token(r, ALNUM, 16))],
    "shopify_token": [lambda r: r.choice(["shpat_", "shpss_", "shpca_"]) + token(r, HEX, 32)],
    "payment_key": [lambda r: "sq0csp-" + token(r, B64URL, 43), lambda r: "rzp_live_" + token(r, ALNUM, 14), lambda r: "shippo_live_" + token(r, HEX, 40)],
    "cloud_key": [lambda r: "dop_v1_" + token(r, HEX, 64), lambda r: "sbp_" + token(r, HEX, 40), lambda r: "pscale_tkn_" + token(r, ALNUM, 43)],
    "vault_token": [lambda r: "hvs." + token(r, ALNUM, 95)],
    "infra_token": [lambda r: "dp.pt." + token(r, ALNUM, 43), lambda r: "pul-" + token(r, HEX, 40), lambda r: "tskey-auth-%s-%s" % (token(r, ALNUM, 12), token(r, ALNUM, 32))],
    "ci_token": [lambda r: "sqp_" + token(r, HEX, 40), lambda r: "dapi" + token(r, HEX, 32) + "-2", lambda r: "bkua_" + token(r, HEX, 40)],
    "docker_token": [lambda r: "dckr_pat_" + token(r, B64URL, 27)],
    "atlassian_token": [lambda r: "ATATT3" + token(r, B64URL, 186)],
    "package_token": [lambda r: "rubygems_" + token(r, HEX, 48), lambda r: "pypi-AgEIcHlwaS5vcmc" + token(r, B64URL, 140)],
    "monitoring_key": [lambda r: "NRAK-" + token(r, UPPER + "0123456789", 27), lambda r: "sntryu_" + token(r, HEX, 64), lambda r: "glsa_%s_%s" % (token(r, ALNUM, 32), token(r, HEX, 8))],
    "service_token": [lambda r: "lin_api_" + token(r, ALNUM, 40), lambda r: "PMAK-%s-%s" % (token(r, HEX, 24), token(r, HEX, 34)), lambda r: "pat%s.%s" % (token(r, ALNUM, 14), token(r, HEX, 64))],
}
for name, makes in TOKENS.items():
    row(name, (lambda makes: lambda r: r.choice(makes)(r))(makes), None, "token", "key", name.replace("_", " "), "credential", "value")
