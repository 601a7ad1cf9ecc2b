# SPDX-License-Identifier: Apache-2.0
"""Numbers of authorities: drawn at random and completed by the published rule of each check digit."""
import values as v
from values import digits, luhn, until, birthday, wsum, pick, UPPER

ROWS = []


def row(name, alone, keyed, *phrases):
    ROWS.append((name, alone, keyed, phrases))


def shape(form, text):
    """Puts text into a form with # for each character."""
    it = iter(text)
    return "".join(next(it) if c == "#" else c for c in form)


def in_forms(make, *forms):
    return lambda r: shape(r.choice(forms), make(r))


def weighted(body, weights, mod, of):
    """body and the check digit of(sum % mod), or None when there is none."""
    c = of(wsum(body, weights) % mod)
    return body + str(c) if isinstance(c, str) or 0 <= c <= 9 else None


def ymd(r, fmt):
    return birthday(r).strftime(fmt)


# ---- devices, vehicles, banks, health

row("imei", None, in_forms(v.imei, "###############", "##-######-######-#"), "imei", "device imei", "imei number")
row("imsi", None, v.imsi, "imsi", "imsi number", "subscriber identity")
row("iccid", None, v.iccid, "iccid", "sim number", "sim serial", "sim card number")
row("vin", None, v.vin, "vin", "vehicle identification number", "vehicle vin", "fahrgestellnummer", "chassis number")
row("licence_plate", None, lambda r: r.choice([
    "%s%s %s" % (pick(r, UPPER, 2), digits(r, 2), pick(r, UPPER, 3)), "%s-%s-%s" % (pick(r, UPPER, 2), digits(r, 3), pick(r, UPPER, 2)),
    "B-%s %s" % (pick(r, UPPER, 2), digits(r, 4)), "%s %s" % (digits(r, 4), pick(r, "BCDFGHJKLMNPRSTVWXYZ", 3))]),
    "license plate", "licence plate", "plate number", "kennzeichen", "targa", "kenteken", "matricula", "number plate")
row("bic", None, lambda r: pick(r, UPPER, 4) + r.choice(["DE", "FR", "NL", "GB", "ES", "PL", "US"]) + pick(r, UPPER, 2) + r.choice(["", "XXX", "500"]),
    "bic", "swift code", "bank identifier code", "swift", "bic swift")
row("us_aba", None, lambda r: until(lambda: (lambda b: weighted(b, (3, 7, 1, 3, 7, 1, 3, 7), 10, lambda s: (10 - s) % 10))(
    r.choice(["02", "11", "07", "12", "26", "31"]) + digits(r, 6))), "routing number", "aba", "aba routing number", "bank routing")
row("mx_clabe", None, lambda r: (lambda b: b + str(-sum(int(c) * w % 10 for c, w in zip(b, (3, 7, 1) * 6)) % 10))(digits(r, 17)), "clabe", "cuenta clabe", "clabe interbancaria")
row("uk_sort_code", None, lambda r: "%s-%s-%s" % (digits(r, 2), digits(r, 2), digits(r, 2)), "sort code", "bank sort code")
row("in_ifsc", None, lambda r: pick(r, UPPER, 4) + "0" + digits(r, 6), "ifsc", "ifsc code", "bank ifsc")
row("au_bsb", None, lambda r: digits(r, 3) + "-" + digits(r, 3), "bsb", "bsb number", "bsb code")


def isin(r):
    body = r.choice(["US", "DE", "FR", "GB", "NL", "XS"]) + pick(r, UPPER + "0123456789", 9)
    return body + v.luhn_digit("".join(str(int(c, 36)) for c in body))


row("isin", None, isin, "isin", "isin code", "security isin")
row("lei", None, lambda r: (lambda b: b + v.mod97_10(b))(digits(r, 4) + "00" + pick(r, UPPER + "0123456789", 12)), "lei", "lei code", "legal entity identifier")


def cusip(r):
    body = digits(r, 3) + pick(r, UPPER + "0123456789", 5)
    total = 0
    for i, c in enumerate(body):
        n = int(c, 36) * (2 if i % 2 else 1)
        total += n // 10 + n % 10
    return body + str(-total % 10)


row("cusip", None, cusip, "cusip", "cusip number", "cusip id")
row("icd10", None, lambda r: r.choice("ABCDEFGIJKLMNRST") + digits(r, 2) + "." + digits(r, r.choice([1, 2])), "icd10", "icd code", "diagnosis code", "icd10 code", "dx code")
row("hcpcs", None, lambda r: r.choice([r.choice("AEGJLQ") + digits(r, 4), "9" + digits(r, 4)]), "cpt code", "hcpcs", "procedure code", "hcpcs code")
row("ndc", None, lambda r: r.choice(["%s-%s-%s" % (digits(r, 5), digits(r, 4), digits(r, 2)), "%s-%s-%s" % (digits(r, 5), digits(r, 3), digits(r, 2))]), "ndc", "ndc code", "national drug code")
row("udi", None, lambda r: "(01)" + (lambda b: b + str(-sum(int(c) * (1 if i % 2 else 3) for i, c in enumerate(b)) % 10))(digits(r, 13)),
    "udi", "udi di", "device udi")
row("loinc", None, lambda r: (lambda b: b + "-" + v.luhn_digit(b))(digits(r, r.choice([4, 5]), "123456789")), "loinc", "loinc code", "loinc num")
row("snomed", None, lambda r: v.verhoeff(digits(r, 6, "123456789") + "00"), "snomed", "snomed code", "sctid", "snomed ct")
row("us_npi", None, lambda r: (lambda b: b + v.luhn_digit("80840" + b))(r.choice("12") + digits(r, 8)), "npi", "npi number", "provider npi", "national provider identifier")
row("us_dea", None, lambda r: (lambda d: r.choice("ABFGM") + r.choice(UPPER) + d + str((sum(map(int, d[::2])) + 2 * sum(map(int, d[1::2]))) % 10))(digits(r, 6)), "dea", "dea number", "dea registration", "prescriber dea")
MBI = "ACDEFGHJKMNPQRTUVWXY"
row("us_mbi", in_forms(lambda r: r.choice("123456789") + r.choice(MBI) + r.choice(MBI + "0123456789") + digits(r, 1) + r.choice(MBI) + r.choice(MBI + "0123456789") + digits(r, 1) + pick(r, MBI, 2) + digits(r, 2), "####-###-####", "###########"), None, "mbi", "medicare number", "medicare id", "beneficiary id")
row("us_hicn", None, lambda r: v.us_ssn(r) + r.choice("ABCDT"), "hicn", "hic number", "health insurance claim number")

# ---- western and northern Europe

NINO = "ABCEGHJKLMNPRSTWXYZ"
row("uk_nino", lambda r: shape("## ## ## ## #", nino(r)), in_forms(lambda r: nino(r), "#########", "## ## ## ## #"), "nino", "national insurance number", "ni number", "national insurance")


def nino(r):
    while True:
        head = r.choice("ABCEGHJKLMNOPRSTWXYZ") + r.choice("ABCEGHJKLMNPRSTWXYZ")
        if head not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ"):
            return head + digits(r, 6) + r.choice("ABCD")


row("uk_nhs", None, in_forms(lambda r: until(lambda: weighted(digits(r, 9, "4567"), range(10, 1, -1), 11, lambda s: (11 - s) % 11)), "##########", "### ### ####"), "nhs number", "nhs", "nhs no")
row("uk_utr", None, lambda r: (lambda b: "21987654321"[wsum(b, (6, 7, 8, 9, 10, 5, 4, 3, 2)) % 11] + b)(digits(r, 9)), "utr", "unique taxpayer reference", "utr number")
row("uk_driver_license", lambda r: pick(r, UPPER, 5) + digits(r, 1) + "%02d%02d" % (r.randint(1, 12) + r.choice([0, 50]), r.randint(1, 28)) + digits(r, 1) + r.choice(UPPER) + r.choice(UPPER + "9") + r.choice("9J") + pick(r, UPPER, 2), None, "driving licence number", "driver license", "drivers license", "licence number")


def ppsn(r):
    body = digits(r, 7)
    second = r.choice(["", "A", "B", "H"])
    total = wsum(body, (8, 7, 6, 5, 4, 3, 2)) + 9 * (ord(second) - 64 if second else 0)
    return body + "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] + second


row("ie_ppsn", None, ppsn, "ppsn", "pps number", "pps no", "personal public service number")


def nir(r):
    body = r.choice("12") + ymd(r, "%y%m") + "%02d" % r.choice([75, 69, 13, 33, 59, 31, 44, 67]) + "%03d%03d" % (r.randint(1, 400), r.randint(1, 900))
    return body + "%02d" % (97 - int(body) % 97)


row("fr_nir", in_forms(nir, "# ## ## ## ### ### ##"), in_forms(nir, "###############", "# ## ## ## ### ### ##"), "nir", "numero de securite sociale", "numero secu", "securite sociale", "nss")
row("fr_siren", None, in_forms(lambda r: luhn(digits(r, 8, "345678")), "#########", "### ### ###"), "siren", "numero siren")
row("fr_siret", None, in_forms(lambda r: luhn(luhn(digits(r, 8, "345678")) + "000" + digits(r, 1)), "##############", "### ### ### #####"), "siret", "numero siret")
row("fr_spi", None, in_forms(lambda r: (lambda b: b + "%03d" % (int(b) % 511))(digits(r, 10, "0123")), "#############", "## ## ### ### ###"), "numero fiscal", "spi", "identifiant fiscal")


def de_tax_id(r):
    while True:
        d = r.sample("0123456789", 9)
        d.insert(r.randrange(1, 9), r.choice(d))
        if d[0] != "0":
            return v.mod11_10("".join(d))


row("de_tax_id", None, in_forms(de_tax_id, "###########", "## ### ### ###"), "steuer id", "steueridentifikationsnummer", "steuer idnr", "tax identification number")


def digit_sums(text, weights):
    return sum((int(c) * w) // 10 + (int(c) * w) % 10 for c, w in zip(text, weights))


def rvnr(r):
    letter = r.choice(UPPER)
    head = "%02d" % r.choice([2, 8, 12, 15, 65]) + ymd(r, "%d%m%y")
    tail = digits(r, 2)
    return head + letter + tail + str(digit_sums(head + "%02d" % (ord(letter) - 64) + tail, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)) % 10)


row("de_rvnr", in_forms(rvnr, "## ###### # ###"), in_forms(rvnr, "############", "## ###### # ###"), "rentenversicherungsnummer", "sozialversicherungsnummer", "sv nummer", "rvnr")


def kvnr(r):
    letter, body = r.choice(UPPER), digits(r, 8)
    return letter + body + str(digit_sums("%02d" % (ord(letter) - 64) + body, (1, 2) * 5) % 10)


row("de_kvnr", None, kvnr, "kvnr", "krankenversichertennummer", "versichertennummer")


def de_card(r):
    body = r.choice("LMNPRTVWXYC") + pick(r, "0123456789CFGHJKLMNPRTVWXYZ", 8)
    return body + v.icao(body)


row("de_id_card", None, de_card, "personalausweis", "ausweisnummer", "personalausweisnummer", "reisepassnummer")


def dni(r):
    body = digits(r, 8)
    return body + "TRWAGMYFPDXBNJZSQVHLCKE"[int(body) % 23]


def nie(r):
    head, body = r.choice("XYZ"), digits(r, 7)
    return head + body + "TRWAGMYFPDXBNJZSQVHLCKE"[int(str("XYZ".index(head)) + body) % 23]


row("es_nif", in_forms(dni, "########-#"), in_forms(dni, "#########", "########-#"), "dni", "nif", "documento nacional", "documento de identidad")
row("es_nie", in_forms(nie, "#########", "#-#######-#"), None, "nie", "numero nie")


def cif(r):
    body = digits(r, 7)
    total = sum(int(c) for c in body[1::2]) + sum((2 * int(c)) // 10 + (2 * int(c)) % 10 for c in body[::2])
    return r.choice("ABEH") + body + str(-total % 10)


row("es_cif", None, cif, "cif", "numero cif", "cif empresa")


def codice(r):
    odd = dict(zip("0123456789" + UPPER, (1, 0, 5, 7, 9, 13, 15, 17, 19, 21) + (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)))
    day = r.randint(1, 28) + r.choice([0, 40])
    body = pick(r, "BCDFGLMNPRSTVZ", 6) + digits(r, 2) + r.choice("ABCDEHLMPRST") + "%02d" % day + r.choice("ABCDEFGHL") + digits(r, 3)
    total = sum(odd[c] if i % 2 == 0 else (int(c) if c.isdigit() else ord(c) - 65) for i, c in enumerate(body))
    return body + UPPER[total % 26]


row("it_codice_fiscale", codice, None, "codice fiscale", "cod fiscale", "fiscal code")
row("it_partita_iva", None, lambda r: luhn("0" + digits(r, 9)), "partita iva", "p iva", "numero partita iva")
row("pt_nif", None, in_forms(lambda r: weighted(digits(r, 8, "123"), range(9, 1, -1), 11, lambda s: 0 if s < 2 else 11 - s), "#########", "### ### ###"), "contribuinte", "numero de contribuinte", "nif")
row("nl_bsn", None, lambda r: until(lambda: weighted(digits(r, 8, "1234"), range(9, 1, -1), 11, lambda s: s)), "bsn", "burgerservicenummer", "bsn nummer")


def rrn(r):
    d = birthday(r)
    body = d.strftime("%y%m%d") + "%03d" % r.randint(1, 997)
    return body + "%02d" % (97 - int(("2" if d.year >= 2000 else "") + body) % 97)


row("be_rrn", in_forms(rrn, "##.##.##-###.##"), in_forms(rrn, "###########", "##.##.##-###.##"), "rijksregisternummer", "numero national", "numero de registre national", "insz", "niss")
row("lu_matricule", lambda r: (lambda b: b + v.luhn_digit(b) + v.verhoeff(b)[-1])(ymd(r, "%Y%m%d") + digits(r, 3)), None, "matricule", "matricule nationale")
row("ch_ahv", in_forms(lambda r: (lambda b: b + str(-sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(b)) % 10))("756" + digits(r, 9)), "###.####.####.##", "#############"), None, "ahv nr", "ahv nummer", "numero avs", "ahvn")


def svnr(r):
    while True:
        n, date = digits(r, 3, "123456789"), ymd(r, "%d%m%y")
        c = (wsum(n, (3, 7, 9)) + wsum(date, (5, 8, 4, 2, 1, 6))) % 11
        if c < 10:
            return n + str(c) + date


row("at_svnr", None, in_forms(svnr, "##########", "#### ######"), "svnr", "sozialversicherungsnummer", "sv nummer")
row("se_personnummer", None, lambda r: (lambda d, s: r.choice([d.strftime("%y%m%d") + "-", d.strftime("%Y%m%d") + "-", d.strftime("%Y%m%d")]) + s + v.luhn_digit(d.strftime("%y%m%d") + s))(birthday(r), digits(r, 3)), "personnummer", "pers nr", "personal number")


def fnr(r):
    while True:
        b = ymd(r, "%d%m%y") + digits(r, 3)
        a = -wsum(b, (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
        c = -wsum(b + str(a), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11 if a < 10 else 10
        if a < 10 and c < 10:
            return b + str(a) + str(c)


row("no_fnr", in_forms(fnr, "###### #####"), in_forms(fnr, "###########", "###### #####"), "fodselsnummer", "fnr", "d nummer")
row("dk_cpr", None, lambda r: ymd(r, "%d%m%y") + r.choice(["-", ""]) + digits(r, 4), "cpr", "cpr nummer", "cpr nr")
row("fi_hetu", lambda r: (lambda d, n: d.strftime("%d%m%y") + ("A" if d.year >= 2000 else "-") + n + "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(d.strftime("%d%m%y") + n) % 31])(birthday(r), "%03d" % r.randint(2, 899)), None, "hetu", "henkilotunnus", "personbeteckning")
row("is_kennitala", None, lambda r: (lambda f: f[:6] + r.choice(["-", ""]) + f[6:])(until(lambda: (lambda b: (lambda c: b + str(c) + "9" if c < 10 else None)(-wsum(b, (3, 2, 7, 6, 5, 4, 3, 2)) % 11))(ymd(r, "%d%m%y") + digits(r, 2)))), "kennitala", "kennitala nr")


def baltic(r):
    d = birthday(r)
    b = ("3" if d.year < 2000 else "5") + d.strftime("%y%m%d") + digits(r, 3)
    c = wsum(b, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if c == 10:
        c = wsum(b, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return b + str(c)


row("ee_isikukood", None, baltic, "isikukood", "isikukood nr")
row("lt_asmens_kodas", None, baltic, "asmens kodas", "asmens kod")
row("lv_pk", None, lambda r: (lambda b: b[:6] + "-" + b[6:] + str((1101 - wsum(b, (1, 6, 3, 7, 9, 10, 5, 8, 4, 2))) % 11 % 10))(ymd(r, "%d%m%y") + "1" + digits(r, 3)), "personas kods", "pers kods")


def pesel(r):
    d = birthday(r)
    b = d.strftime("%y") + "%02d" % (d.month + (20 if d.year >= 2000 else 0)) + d.strftime("%d") + digits(r, 4)
    return b + str(-wsum(b, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10)


row("pl_pesel", None, pesel, "pesel", "numer pesel", "nr pesel")
row("pl_nip", in_forms(lambda r: nip(r), "###-###-##-##"), in_forms(lambda r: nip(r), "##########", "###-###-##-##"), "nip", "numer nip", "nr nip")


def nip(r):
    return until(lambda: weighted(digits(r, 9, "5678"), (6, 5, 7, 2, 3, 4, 5, 6, 7), 11, lambda s: s))


row("pl_regon", None, lambda r: weighted(digits(r, 8), (8, 9, 2, 3, 4, 5, 6, 7), 11, lambda s: s % 10), "regon", "numer regon")


def rc(r):
    while True:
        d = birthday(r, 1955)
        b = d.strftime("%y") + "%02d" % (d.month + r.choice([0, 50])) + d.strftime("%d") + digits(r, 3)
        c = -int(b) * 10 % 11
        if c < 10:
            return b + str(c)


row("cz_rc", in_forms(rc, "######/####"), in_forms(rc, "##########", "######/####"), "rodne cislo", "rodné číslo")
row("hu_taj", None, in_forms(lambda r: weighted(digits(r, 8), (3, 7) * 4, 10, lambda s: s), "#########", "### ### ###"), "taj", "taj szam", "taj number")
row("hu_tax_id", None, lambda r: until(lambda: weighted("8" + digits(r, 8), range(1, 10), 11, lambda s: s)), "adoazonosito jel", "adoazonosito")
row("ro_cnp", None, lambda r: (lambda d, b: weighted(("1" if d.year < 2000 else "5") + d.strftime("%y%m%d") + b, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9), 11, lambda s: 1 if s == 10 else s))(birthday(r), "%02d%03d" % (r.randint(1, 46), r.randint(1, 999))), "cnp", "cod numeric personal")
row("bg_egn", None, lambda r: (lambda d: weighted(d.strftime("%y") + "%02d" % (d.month + (40 if d.year >= 2000 else 0)) + d.strftime("%d") + digits(r, 3), (2, 4, 8, 5, 10, 9, 7, 3, 6), 11, lambda s: s % 10))(birthday(r)), "egn", "egn number")
row("hr_oib", None, lambda r: v.mod11_10(digits(r, 10)), "oib", "osobni identifikacijski broj")


def jmbg(r, low, high):
    while True:
        d = birthday(r)
        b = d.strftime("%d%m") + "%03d" % (d.year % 1000) + "%02d" % r.randint(low, high) + digits(r, 3)
        c = -wsum(b, (7, 6, 5, 4, 3, 2) * 2) % 11
        if c < 10:
            return b + str(c)


row("si_emso", None, lambda r: jmbg(r, 50, 59), "emso", "emšo")
row("rs_jmbg", None, lambda r: jmbg(r, 71, 79), "jmbg", "maticni broj")
row("gr_amka", None, lambda r: luhn(ymd(r, "%d%m%y") + digits(r, 4)), "amka", "αμκα")
row("gr_afm", None, lambda r: (lambda b: b + str(sum(int(c) * 2 ** (8 - i) for i, c in enumerate(b)) % 11 % 10))(digits(r, 8)), "afm", "αφμ")


def tckn(r):
    b = digits(r, 9, "123456789")
    c = (7 * sum(map(int, b[::2])) - sum(map(int, b[1::2]))) % 10
    return b + str(c) + str((sum(map(int, b)) + c) % 10)


row("tr_tckn", None, tckn, "tckn", "tc kimlik no", "kimlik no")


def inn(r):
    b = digits(r, 10)
    for w in ((7, 2, 4, 10, 3, 5, 9, 4, 6, 8), (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)):
        b += str(wsum(b, w) % 11 % 10)
    return b


row("ru_inn", None, inn, "inn", "инн", "inn number")
row("ru_snils", in_forms(lambda r: snils(r), "###-###-### ##"), in_forms(lambda r: snils(r), "###########", "###-###-### ##"), "snils", "снилс")


def snils(r):
    b = digits(r, 9, "123")
    return b + "%02d" % (wsum(b, range(9, 0, -1)) % 101 % 100)


# ---- the Americas

row("us_itin", None, lambda r: r.choice(["%s-%s-%s", "%s%s%s"]) % ("9" + digits(r, 2), r.choice(["50", "65", "70", "88", "90", "94", "99"]), digits(r, 4)), "itin", "itin number", "individual taxpayer identification number")
row("us_ein", None, lambda r: r.choice(["12", "36", "45", "82", "94"]) + "-" + digits(r, 7), "ein", "employer identification number", "federal tax id", "fein")
row("us_passport", None, lambda r: r.choice(["A" + digits(r, 8), pick(r, UPPER, 2) + digits(r, 7), digits(r, 9, "3456")]), "passport number", "passport", "passport no", "numero passaporto", "numero de pasaporte", "travel document number")
row("ca_sin", None, in_forms(lambda r: luhn(digits(r, 8, "1234567")), "#########", "### ### ###", "###-###-###"), "sin", "social insurance number", "sin number")
row("ca_ohip", None, lambda r: shape("####-###-###", luhn(digits(r, 9, "123456789"))) + "-" + pick(r, UPPER, 2), "ohip", "health card number", "ohip number")
row("ca_bcphn", None, lambda r: until(lambda: (lambda b: (lambda c: "9" + b + str(c) if c < 10 else None)(11 - wsum(b, (2, 4, 8, 5, 10, 9, 7, 3)) % 11))(digits(r, 8))), "phn", "personal health number", "bc phn")
row("ca_ramq", None, lambda r: (lambda a, b, c: r.choice(["%s%s%s", "%s %s %s"]) % (a, b, c))(
    pick(r, UPPER, 4), ymd(r, "%y") + "%02d" % (r.randint(1, 12) + r.choice([0, 50])), "%02d" % r.randint(1, 28) + digits(r, 2)),
    "ramq", "assurance maladie", "carte assurance maladie")


def cpf(r):
    b = digits(r, 9)
    for n in (10, 11):
        b += str(wsum(b, range(n, 1, -1)) * 10 % 11 % 10)
    return b


def cnpj(r):
    b = digits(r, 8) + "0001"
    for w in ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)):
        s = wsum(b, w) % 11
        b += str(0 if s < 2 else 11 - s)
    return b


row("br_cpf", in_forms(cpf, "###.###.###-##"), in_forms(cpf, "###########", "###.###.###-##"), "cpf", "numero cpf", "cpf cliente")
row("br_cnpj", in_forms(cnpj, "##.###.###/####-##"), in_forms(cnpj, "##############", "##.###.###/####-##"), "cnpj", "numero cnpj")


def curp(r):
    order = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    b = pick(r, "BCDFGLMPRST", 1) + r.choice("AEIOU") + pick(r, "BCDFGLMPRST", 2) + ymd(r, "%y%m%d") + r.choice("HM") + r.choice(["DF", "JC", "NL", "MC", "VZ"]) + pick(r, "BCDFGLMNPRSTVXZ", 3) + r.choice("0123A")
    return b + str(-sum(order.index(c) * (18 - i) for i, c in enumerate(b)) % 10)


row("mx_curp", curp, None, "curp", "clave curp")


def rfc(r):
    order = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ "
    b = pick(r, UPPER, 4) + ymd(r, "%y%m%d") + pick(r, UPPER + "0123456789", 2)
    c = -sum(order.index(x) * (13 - i) for i, x in enumerate(b)) % 11
    return b + ("A" if c == 10 else str(c))


row("mx_rfc", None, rfc, "rfc", "clave rfc", "registro federal")
row("ar_cuit", in_forms(lambda r: cuit(r), "##-########-#"), in_forms(lambda r: cuit(r), "###########", "##-########-#"), "cuit", "cuil", "numero cuit")


def cuit(r):
    return until(lambda: weighted(r.choice(["20", "27", "30"]) + digits(r, 8), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2), 11, lambda s: (11 - s) % 11))


def rut(r):
    b = digits(r, 8, "12")
    s = sum(int(c) * (2, 3, 4, 5, 6, 7)[i % 6] for i, c in enumerate(reversed(b))) % 11
    return b + "0K987654321"[s]


row("cl_rut", in_forms(rut, "##.###.###-#"), in_forms(rut, "########-#", "##.###.###-#"), "rut", "numero rut", "rut cliente")
row("co_nit", None, in_forms(lambda r: weighted(digits(r, 9, "89"), (41, 37, 29, 23, 19, 17, 13, 7, 3), 11, lambda s: s if s < 2 else 11 - s), "###.###.###-#", "#########-#"), "nit", "numero nit")
row("pe_ruc", None, lambda r: weighted(r.choice(["10", "20"]) + digits(r, 8), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2), 11, lambda s: (11 - s) % 10), "ruc", "numero ruc")
row("uy_ci", None, in_forms(lambda r: weighted(digits(r, 7, "12345"), (2, 9, 8, 7, 6, 3, 4), 10, lambda s: (10 - s) % 10), "#.###.###-#", "#######-#"), "cedula", "cedula identidad", "ci")
row("ec_cedula", None, lambda r: luhn("%02d" % r.randint(1, 24) + r.choice("012345") + digits(r, 6)), "cedula", "numero cedula")

# ---- Asia, Africa, the Pacific

row("in_aadhaar", None, in_forms(lambda r: v.verhoeff(digits(r, 11, "23456789")), "############", "#### #### ####"), "aadhaar", "aadhaar number", "aadhar no", "uidai")
row("in_pan", None, lambda r: pick(r, UPPER, 3) + r.choice("PCFH") + r.choice(UPPER) + digits(r, 4) + r.choice(UPPER), "pan card", "permanent account number", "pan no")


def gstin(r):
    b = "%02d" % r.randint(1, 37) + pick(r, UPPER, 3) + "C" + r.choice(UPPER) + digits(r, 4) + r.choice(UPPER) + r.choice("123") + "Z"
    s = sum((lambda p: p // 36 + p % 36)(int(c, 36) * (2 if i % 2 else 1)) for i, c in enumerate(b))
    return b + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[-s % 36]


row("in_gstin", gstin, None, "gstin", "gst number", "gst no")
row("in_voter", None, lambda r: pick(r, UPPER, 3) + digits(r, 7), "voter id", "epic number", "voter card")
row("in_passport", None, lambda r: r.choice("JKLMNPRSTUVW") + digits(r, 7, "123456789"), "indian passport", "india passport")
row("cn_resident_id", None, lambda r: (lambda b: b + "10X98765432"[wsum(b, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)) % 11])(r.choice(["110105", "310104", "440305", "510107"]) + ymd(r, "%Y%m%d") + digits(r, 3)), "resident id", "身份证号", "id card no", "citizen id")


def hkid(r):
    head, body = r.choice(UPPER), digits(r, 6)
    s = 36 * 9 + (ord(head) - 55) * 8 + wsum(body, (7, 6, 5, 4, 3, 2))
    return head + body + "0123456789A"[-s % 11]


row("hk_hkid", in_forms(hkid, "#######(#)"), in_forms(hkid, "########", "#######(#)"), "hkid", "hkid number", "hong kong id")


def tw(r):
    place = dict(zip("ABCDEFGHJKLMNPQRSTUVXYWZIO", range(10, 36)))
    head, body = r.choice("ABCDEFGH"), r.choice("12") + digits(r, 7)
    s = place[head] // 10 + place[head] % 10 * 9 + wsum(body, range(8, 0, -1))
    return head + body + str(-s % 10)


row("tw_id", None, tw, "tw id", "身分證字號", "taiwan id")
row("jp_my_number", None, in_forms(lambda r: weighted(digits(r, 11), (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2), 11, lambda s: 0 if s < 2 else 11 - s), "############", "#### #### ####"), "my number", "マイナンバー", "個人番号", "kojin bango")
row("kr_rrn", lambda r: ymd(r, "%y%m%d") + "-" + r.choice("1234") + digits(r, 6), None, "rrn", "resident registration number", "주민등록번호", "jumin no")
row("kr_brn", None, in_forms(lambda r: (lambda b: b + str(-(wsum(b, (1, 3, 7, 1, 3, 7, 1, 3, 5)) + int(b[8]) * 5 // 10) % 10))(digits(r, 9)), "###-##-#####", "##########"), "business registration number", "brn", "사업자등록번호")


def nric(r):
    head, body = r.choice("STFG"), digits(r, 7)
    s = (wsum(body, (2, 7, 6, 5, 4, 3, 2)) + (4 if head in "TG" else 0)) % 11
    return head + body + ("JZIHGFEDCBA" if head in "ST" else "XWUTRQPNMLK")[s]


row("sg_nric", nric, None, "nric", "nric no", "nric number", "fin number")
row("th_id", in_forms(lambda r: thai(r), "#-####-#####-##-#"), in_forms(lambda r: thai(r), "#############", "#-####-#####-##-#"), "thai id", "thai national id", "citizen id")


def thai(r):
    return weighted(digits(r, 12, "12345678"), range(13, 1, -1), 11, lambda s: (11 - s) % 10)


row("my_mykad", lambda r: "%s-%02d-%s" % (ymd(r, "%y%m%d"), r.randint(1, 14), digits(r, 4)), lambda r: r.choice(["%s-%02d-%s", "%s%02d%s"]) % (ymd(r, "%y%m%d"), r.randint(1, 14), digits(r, 4)), "mykad", "ic number", "no kp", "kad pengenalan")
row("id_nik", None, lambda r: "%02d" % r.randint(11, 36) + digits(r, 4) + ymd(r, "%d%m%y") + "%04d" % r.randint(1, 60), "nik", "no ktp", "nomor ktp", "ktp number")
row("vn_cccd", None, lambda r: "%03d" % r.randint(1, 96) + digits(r, 9), "cccd", "can cuoc cong dan", "so cccd")
row("ph_tin", None, lambda r: "%s-%s-%s-000" % (digits(r, 3), digits(r, 3), digits(r, 3)), "tin no", "tin number", "ph tin")
row("au_tfn", None, in_forms(lambda r: until(lambda: (lambda b: next((b + str(c) for c in range(10) if wsum(b + str(c), (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0), None))(digits(r, 8, "1234"))), "#########", "### ### ###"), "tfn", "tax file number", "tfn number")
row("au_medicare", None, in_forms(lambda r: weighted(digits(r, 8, "23456"), (1, 3, 7, 9, 1, 3, 7, 9), 10, lambda s: s) + r.choice("123"), "##########", "#### ##### #"), "medicare number", "medicare card", "medicare no")


def abn(r):
    while True:
        n = digits(r, 11, "123456789")
        if (wsum(n, (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)) - 10) % 89 == 0:
            return n


row("au_abn", in_forms(abn, "## ### ### ###"), in_forms(abn, "###########", "## ### ### ###"), "abn", "australian business number", "abn number")
row("au_acn", None, in_forms(lambda r: weighted(digits(r, 8), range(8, 0, -1), 10, lambda s: (10 - s) % 10), "#########", "### ### ###"), "acn", "australian company number")


def ird(r):
    while True:
        b = "0" + digits(r, 7, "123456789")
        c = -wsum(b, (3, 2, 7, 6, 5, 4, 3, 2)) % 11
        if c == 10:
            c = -wsum(b, (7, 4, 3, 2, 5, 2, 7, 6)) % 11
        if c < 10 and int(b) > 1000000:
            return b[1:] + str(c)


row("nz_ird", None, in_forms(ird, "########", "##-###-###"), "ird number", "ird", "ird no")


def nhi(r):
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    while True:
        b = pick(r, letters, 3) + digits(r, 3)
        s = sum((letters.index(c) + 1 if c in letters else int(c)) * (7 - i) for i, c in enumerate(b)) % 11
        if s:
            return b + str((11 - s) % 10)


row("nz_nhi", None, nhi, "nhi", "nhi number", "national health index")
row("za_id", in_forms(lambda r: zaid(r), "###### #### ###"), lambda r: zaid(r), "sa id number", "za id", "id number", "south african id")


def zaid(r):
    return luhn(ymd(r, "%y%m%d") + digits(r, 4) + r.choice("01") + "8")


row("ng_nin", None, lambda r: v.verhoeff(digits(r, 10, "123456789")), "nin", "nin number", "national identification number")
row("il_id", None, lambda r: luhn(digits(r, 8, "0123")), "teudat zehut", "israeli id", "tz")
