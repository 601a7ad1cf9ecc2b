/* SPDX-License-Identifier: Apache-2.0 */
/* words_person.c - who somebody is, where they live and when they were born, by the names of fields. The bare
 * words (name, address, state) want an object that is a person. */
#include <string.h>

#include "classify/words.h"

/* What stands in fields for names and is none: firms, roles, and what a form calls the field. */
static const char *const no_names[] = {
	"inc", "ltd", "gmbh", "llc", "corp", "s.a", "http", "https", "www", "admin", "administrator", "system", "systems", "service", "services", "bot",
	"robot", "support", "team", "department", "bank", "university", "college", "school", "hospital", "clinic", "company", "corporation",
	"limited", "incorporated", "group", "holding", "holdings", "foundation", "solutions", "technologies", "technology", "software", "consulting",
	"ventures", "plc", "bv", "srl", "aps", "sarl", "ltda", "pty", "name", "names", "firstname", "lastname", "fullname", "surname", "last", "given",
	"family", "middle", "enter", "your", "please", "must", "cannot", "should", "vorname", "nachname", "prénom", "apellido", "apellidos",
	"nombre", "cognome", "nome", "sobrenome", "text", "char", "varchar", "str", "keyword", "asc", "desc", "blank", "first", "value", "label",
	"input", "field", "column", "user", "customer", "unicode", "void", "new", "this", "self", "nullptr", "public", "const", "function", NULL
};

static bool has_no_name(struct slice v)
{
	size_t start = 0;

	for (size_t i = 0; i <= v.len; i++) {
		uint8_t c = byte_at(v, i);

		if (is_alpha(c) || c >= 0x80 || (c == '.' && is_alpha(byte_at(v, i + 1))))
			continue;
		if (i > start && word_listed(no_names, (struct slice){ v.ptr + start, i - start }))
			return true;
		start = i + 1;
	}
	return false;
}

/* "RoutingProfileId": words that a program joined; one capital inside is a McKenzie's. */
static bool is_joined_words(struct slice v)
{
	unsigned inner = 0;

	for (size_t i = 1; i < v.len; i++)
		inner += is_upper(v.ptr[i]) && is_lower(v.ptr[i - 1]);
	return inner > 1 && !memchr(v.ptr, ' ', v.len) && !memchr(v.ptr, '-', v.len);
}

/* In small letters one word may be a name where the key says so; more are a text. */
static bool is_person_name(struct slice v)
{
	size_t blanks = 0;

	if (!is_letters(v) || has_no_name(v) || is_joined_words(v))
		return false;
	for (size_t i = 0; i < v.len; i++)
		blanks += v.ptr[i] == ' ';
	return blanks <= 5;
}

/* Is it written as one? */
static int person_name_says(struct slice v, int says)
{
	bool capital = false;

	for (size_t i = 0; i < v.len; i++)
		capital |= is_upper(v.ptr[i]) || v.ptr[i] >= 0x80;
	if (capital)
		return says;
	return v.len > 2 && !memchr(v.ptr, ' ', v.len) ? 12 : 0;
}

WORD_CLASS(class_person_name, "person_name", GROUP_PII, "name of a person",
	KEYS(K("fullname"), K("firstname"), K("lastname"), K("givenname"), K("familyname"), K("surname"), K("forename"), K("middlename"),
	     K("maidenname"), K("customername"), K("patientname"), K("employeename"), K("cardholdername"), K("nameoncard"), K("cardholder"),
	     K("contactname"), K("legalname"), K("recipientname"), K("accountholder"), K("accountholdername"), K("passengername"),
	     K("beneficiaryname"), K("mothersmaidenname"), K("guestname"), K("studentname"), K("personname"), K("fname"), K("lname"),
	     K("vorname"), K("nachname"), K("familienname"), K("vollername"), K("prenom"), K("prénom"), K("nomdefamille"), K("nomcomplet"),
	     K("nombrecompleto"), K("apellido"), K("apellidos"), K("primernombre"), K("cognome"), K("nomecompleto"), K("sobrenome"),
	     K("apelido"), K("voornaam"), K("achternaam"), K("imie"), K("imię"), K("nazwisko"), K("imieinazwisko"), W("name"),
	     W("displayname"), W("nom"), W("nombre"), W("nome"), W("naam"), K("namefirst"), K("namelast"), K("namemiddle"), K("namegiven"),
	     K("namefamily"), K("namefull"), K("firstnm"), K("lastnm"), K("frstnm"), K("lstnm"), K("middlenm"), K("fullnm"),
	     K("givennames"), K("forenames"), K("firstnames"), K("preferredname"), K("realname"), K("birthname"), K("payername"),
	     K("payeename"), K("debtorname"), K("creditorname"), K("sendername"), K("receivername"), K("ownername"), K("holdername"),
	     K("cardname"), K("insuredname"), K("applicantname"), K("borrowername"),
	     K("tenantname"), K("parentname"), K("guardianname"), K("spousename"), K("emergencycontact"), K("nextofkin"), K("shippingname"),
	     K("billingname"), K("subjectdisplay"), K("patientdisplay"), K("practitionerdisplay"), K("performerdisplay"),
	     K("requesterdisplay"), K("nombres"), K("apellidopaterno"), K("apellidomaterno"), K("primerapellido"), K("segundoapellido"),
	     K("nomprenom"), K("prenoms"), K("nomdenaissance"), K("nomeecognome"), K("fornavn"), K("etternavn"), K("efternavn"),
	     K("förnamn"), K("fornamn"), K("efternamn"), K("etunimi"), K("sukunimi"), K("jmeno"), K("jméno"), K("prijmeni"), K("příjmení"),
	     K("soyad"), K("soyadi"), K("adsoyad"), K("имя"), K("фамилия"), K("отчество"), K("фио"), K("姓名"), K("氏名"), K("이름"), K("성명"),
	     K("namalengkap")),
	WORDS("location", "assignment", "file", "~host", "~domain", "class", "~user", "event", "product", "~company", "service", "brand", "~device", "app", "~project",
	      "~bank", "~job", "tag", "~city", "~country", "~plan", "~role", "~group", "~team", "template", "~course", "~hotel", "-space", "-server",
	      "~street", "~building", "bucket", "column", "table", "field", "index", "package", "module", "function", "method", "variable",
	      "~store", "~shop", "~branch", "category", "network", "cluster", "node", "queue", "topic", "schema", "database", "db", "library",
	      "repo", "repository", "environment", "metric", "label", "~state", "~region", "~county", "~school", "~university", "~employer",
	      "~organization", "~organisation", "~org", "~firm", "~carrier", "~vendor", "~merchant", "~restaurant", "~venue", "item", "model",
	      "game", "movie", "song", "album", "book", "~program", "~test", "drug", "section", "folder", "image", "icon", "color", "font",
	      "action", "rule", "policy", "permission", "feature", "key", "param", "parameter", "header", "cookie", "token", "secret",
	      "config", "setting", "option", "attribute", "property", "currency", "unit", "language", "zone", "~department", "~dept"),
	.ok = is_person_name, .line = true, .weigh = person_name_says, .min = 2, .max = 80, .says = 30);

/* A number and words, or what Spain and Brazil write where there is no number; some scripts have no blanks. */
static bool is_street(struct slice v)
{
	bool digit = false, letter = false, wide = false;

	for (size_t i = 0; i < v.len; i++) {
		digit |= is_digit(v.ptr[i]) || (i && v.ptr[i - 1] == ' ' && slice_begins_fold(v, i, "s/n"));
		letter |= is_alpha(v.ptr[i]) || v.ptr[i] >= 0x80;
		wide |= v.ptr[i] >= 0xe3;
		if (v.ptr[i] == '@' || v.ptr[i] == '_' || (v.ptr[i] == ':' && byte_at(v, i + 1) == '/'))
			return false;
	}
	return digit && letter && (wide || memchr(v.ptr, ' ', v.len)) && !is_date_text(v);
}

WORD_CLASS(class_address, "address", GROUP_PII, "postal address",
	KEYS(K("streetaddress"), K("street"), K("addressline"), K("addressline1"), K("addressline2"), K("address1"), K("address2"),
	     K("homeaddress"), K("mailingaddress"), K("postaladdress"), K("billingaddress"), K("shippingaddress"), K("deliveryaddress"),
	     K("residentialaddress"), K("fulladdress"), K("line1"), K("strasse"), K("straße"), K("anschrift"), K("adresse"), K("rue"),
	     K("adressepostale"), K("direccion"), K("dirección"), K("calle"), K("domicilio"), K("indirizzo"), K("via"), K("endereco"),
	     K("endereço"), K("morada"), K("rua"), K("straat"), K("adres"), K("ulica"), W("address"), K("street1"), K("street2"),
	     K("streetline"), K("streetline1"), K("streetline2"), K("addressline3"), K("addrline1"), K("addrline2"), W("addr"), K("addr1"),
	     K("addr2"), K("addressstreet"), K("addresstext"), K("addressfull"), K("mailingstreet"), K("billingstreet"),
	     K("shippingstreet"), K("permanentaddress"), K("currentaddress"), K("previousaddress"), K("workaddress"), K("officeaddress"),
	     K("residence"), K("wohnadresse"), K("lieferadresse"), K("rechnungsadresse"), K("direccionpostal"), K("direccionenvio"),
	     K("direcciondeenvio"), K("residenza"), K("logradouro"), K("adreszamieszkania"), K("adreskorespondencyjny"), K("adresa"),
	     K("adress"), K("gatuadress"), K("osoite"), K("katuosoite"), K("адрес"), K("住所"), K("地址"), K("주소"), K("alamat")),
	WORDS("email", "mail", "ip", "mac", "web", "wallet", "memory", "server", "network", "url", "host", "remote", "bitcoin", "btc", "eth",
	      "-zip", "-city", "-state", "-country", "-id", "-code", "-postal", "-postcode", "-region", "-county"),
	.ok = is_street, .line = true, .min = 5, .max = 160, .says = 32);

static bool is_postcode(struct slice v)
{
	size_t digits = 0;

	for (size_t i = 0; i < v.len; i++) {
		if (!is_alnum(v.ptr[i]) && v.ptr[i] != ' ' && v.ptr[i] != '-')
			return false;
		digits += is_digit(v.ptr[i]);
	}
	return digits >= 2;
}

WORD_CLASS(class_postal_code, "postal_code", GROUP_PII, "postal code",
	KEYS(W("zip"), K("zipcode"), K("postalcode"), K("postcode"), K("plz"), K("postleitzahl"), K("codepostal"), K("codigopostal"),
	     K("códigopostal"), W("cap"), W("cep"), K("kodpocztowy"), K("postcode"), K("billingzip"), K("zipcd"), K("zip5"), K("postcd"),
	     K("postnr"), K("postnummer"), K("postinumero"), K("psc"), K("psč"), K("irsz"), K("eircode"), K("индекс"), K("邮编"), K("郵便番号"),
	     K("우편번호"), K("zippostal"), K("postalzip"), K("postal"), W("cp")),
	WORDS("file", "archive", "-file", "-path", "-name"),
	.ok = is_postcode, .min = 4, .max = 10, .says = 25);

WORD_CLASS(class_date_of_birth, "date_of_birth", GROUP_PII, "date of birth",
	KEYS(K("dateofbirth"), K("dob"), K("birthdate"), K("birthday"), K("birthdt"), K("bornon"), K("geburtsdatum"), K("geburtstag"),
	     K("datedenaissance"), K("datenaissance"), K("fechadenacimiento"), K("fechanacimiento"), K("datadinascita"), K("datanascita"),
	     K("datadenascimento"), K("datanascimento"), K("geboortedatum"), K("dataurodzenia"), W("born"), K("bdate"), K("bday"),
	     K("birth"), K("birthdatetime"), K("dobdate"), K("dateborn"), K("bornat"), K("borndate"), K("geboren"), K("fødselsdato"),
	     K("fodselsdato"), K("födelsedatum"), K("fodelsedatum"), K("syntymäaika"), K("syntymaaika"), K("datumnarozeni"),
	     K("datumnarození"), K("dogumtarihi"), K("doğumtarihi"), K("датарождения"), K("出生日期"), K("生年月日"), K("생년월일"), K("tanggallahir"),
	     K("nacimiento"), K("nascimento"), K("naissance"), K("nascita")),
	NULL, .ok = is_date_text, .line = true, .min = 8, .max = 30, .says = 40);

static bool is_age(struct slice v)
{
	unsigned n = 0;

	for (size_t i = 0; i < v.len; i++) {
		if (!is_digit(v.ptr[i]))
			return false;
		n = n * 10 + (unsigned)(v.ptr[i] - '0');
	}
	return n > 0 && n <= 120;
}

WORD_CLASS(class_age, "age", GROUP_PII, "age of a person",
	KEYS(K("patientage"), K("customerage"), K("userage"), K("ageinyears"), K("ageyears"), K("personage"), W("age"), W("alter"),
	     W("edad"), W("idade"), W("leeftijd"), W("wiek"), W("eta"), K("dobage")),
	WORDS("max", "min", "cache", "account", "-group", "-limit", "-seconds", "-days", "-ms"),
	.ok = is_age, .min = 1, .max = 3, .says = 25);

WORD_CLASS(class_gender, "gender", GROUP_PII, "gender of a person",
	KEYS(K("gender"), K("genderidentity"), K("sex"), K("geschlecht"), K("sexe"), K("genero"), K("género"), K("sesso"), K("sexo"),
	     K("geslacht"), K("plec"), K("płeć"), K("patientsex"), K("genre"), K("sexcd"), K("gendercd"), K("gendercode"), K("sexcode"),
	     K("birthsex"), K("sexatbirth"), K("administrativegender"), K("kön"), K("kjønn"), K("kjonn"), K("sukupuoli"), K("cinsiyet"),
	     K("pohlavi"), K("pohlaví"), K("пол"), K("性别"), K("性別"), K("성별"), W("kon")),
	NULL, .words = WORDS("m", "f", "x", "d", "male", "female", "man", "woman", "non-binary", "nonbinary", "non binary", "transgender", "diverse", "divers",
			     "männlich", "weiblich", "homme", "femme", "masculin", "féminin", "hombre", "mujer", "masculino", "femenino", "maschio",
			     "femmina", "feminino", "mann", "frau", "vrouw", "kobieta", "mężczyzna", "w", "h", "v", "k",
			     "女", "男", "女性", "男性", "남", "여", "남성", "여성", "м", "ж", "муж", "жен", "мужской", "женский", "kvinna", "kvinne", "mand", "kvinde",
			     "mies", "nainen", "erkek", "kadın", "muž", "žena", "genderqueer", "genderfluid", "agender", "trans", "intersex", "two-spirit",
			     "trans man", "trans woman", "cis man", "cis woman", "transgender man", "transgender woman", "masculine", "feminine"),
	.min = 1, .max = 20, .says = 30);

WORD_CLASS(class_marital_status, "marital_status", GROUP_PII, "marital status",
	KEYS(K("maritalstatus"), K("civilstatus"), K("familienstand"), K("etatcivil"), K("étatcivil"), K("situationfamiliale"), K("estadocivil"),
	     K("statocivile"), K("burgerlijkestaat"), K("stancywilny"), K("marital")),
	NULL, .ok = is_letters, .min = 3, .max = 30, .says = 32);

static bool is_login(struct slice v)
{
	static const char *const no[] = { "username", "user", "user-name", "user_name", "name", "login", "email", "userid", "str", "bytes", NULL };

	if (word_listed(no, v))
		return false;
	for (size_t i = 0; i < v.len; i++)
		if (!is_alnum(v.ptr[i]) && !strchr("._-+@", v.ptr[i] ? v.ptr[i] : ' ') && v.ptr[i] < 0x80)
			return false;
	return is_alnum(v.ptr[0]);
}

WORD_CLASS(class_username, "username", GROUP_PII, "user name of an account",
	KEYS(K("username"), K("userlogin"), K("loginname"), K("loginid"), K("useraccount"), K("benutzername"), K("nomdutilisateur"),
	     K("nombredeusuario"), K("nomeutente"), K("nomedeusuario"), K("gebruikersnaam"), K("nazwauzytkownika"), K("screenname"),
	     W("login"), W("nickname"), K("uname"), K("usernm"), K("usrname"), K("loginuser"), K("userhandle"),
	     K("useralias"), K("samaccountname"), K("userprincipalname"), W("handle")),
	WORDS("-id", "-number", "-type", "-balance"), .ok = is_login, .min = 3, .max = 64, .says = 25);

static bool is_degrees(struct slice v)
{
	size_t dot = 0, digits = 0;

	for (size_t i = 0; i < v.len; i++) {
		if (v.ptr[i] == '.' && !dot)
			dot = i + 1;
		else if (is_digit(v.ptr[i]))
			digits += dot > 0;
		else if (i || (v.ptr[i] != '-' && v.ptr[i] != '+'))
			return false;
	}
	return dot && dot <= 5 && digits >= 4;
}

WORD_CLASS(class_coordinates, "coordinates", GROUP_PII, "place on the map to within metres",
	KEYS(K("latitude"), K("longitude"), K("gpslat"), K("gpslon"), K("gpslng"), K("geolat"), K("geolon"), K("breitengrad"), K("laengengrad"),
	     K("längengrad"), K("latitud"), K("longitud"), K("latitudine"), K("longitudine"), W("lat"), W("lng"), W("lon")),
	NULL, .ok = is_degrees, .min = 6, .max = 24, .says = 30);

WORD_CLASS(class_salary, "salary", GROUP_CONFIDENTIAL, "pay or income of a person",
	KEYS(K("salary"), K("annualsalary"), K("basesalary"), K("monthlysalary"), K("income"), K("annualincome"), K("grosspay"),
	     K("netpay"), K("wage"), K("wages"), K("gehalt"), K("jahresgehalt"), K("einkommen"), K("bruttolohn"), K("salaire"), K("revenu"),
	     K("salario"), K("ingresos"), K("stipendio"), K("reddito"), K("salário"), K("rendimento"), K("salaris"), K("inkomen"),
	     K("wynagrodzenie"), K("pensja"), K("compensation"), K("annualctc"), K("remuneration"), K("payrate"),
	     K("grosssalary"), K("sueldo"), K("nomina"), K("nómina"), K("ordenado"), K("lohn"), K("nettolohn"), K("lön"), K("зарплата"),
	     K("maas")),
	WORDS("-range", "-band", "-currency", "-grade", "-period", "-frequency"), .ok = is_number, .min = 3, .max = 20, .says = 32);

WORD_CLASS(class_credit_score, "credit_score", GROUP_CONFIDENTIAL, "credit rating of a person",
	KEYS(K("creditscore"), K("ficoscore"), K("fico"), K("creditrating"), K("schufascore"), K("schufa"), K("bonitaet"), K("bonität"),
	     K("vantagescore"), K("experianscore"), K("equifaxscore"), K("transunionscore"), K("creditworthiness")),
	NULL, .ok = is_number, .min = 1, .max = 8, .says = 32);

/* The states' forms: up to two letters and then digits, or digits alone, or a letter for every few digits. */
static bool is_us_license(struct slice v)
{
	size_t digits = 0, letters = 0, head = 0;

	for (size_t i = 0; i < v.len; i++) {
		if (is_digit(v.ptr[i])) {
			digits++;
		} else if (is_alpha(v.ptr[i])) {
			head += i == letters;
			letters++;
		} else if (v.ptr[i] != '-' && v.ptr[i] != ' ' && v.ptr[i] != '*') {
			return false;
		}
	}
	return digits >= 5 && letters <= 5 && (head == letters || digits + letters == 9 || digits + letters == 12) && !is_date_text(v);
}

WORD_CLASS(class_us_driver_license, "us_driver_license", GROUP_PII, "driver's license number of a US state",
	KEYS(K("driverslicense"), K("driverlicense"), K("driverslicensenumber"), K("driverlicensenumber"), K("driverslicenseno"),
	     K("driverlicenseno"), K("driverslicensenum"), K("drivinglicense"), K("drivinglicensenumber"), K("dlnumber"), K("dlno"),
	     K("dln"), K("driverslicenseid"), K("driverlicenseid"), K("operatorlicense"), K("dmvnumber"), W("licensenumber"),
	     W("licenseno"), W("dl"), K("driverslicence"), K("driverlicence"), K("drivinglicence"), K("driverslicencenumber"),
	     K("driverlicencenumber"), K("drivinglicencenumber"), K("dlnum")),
	WORDS("-state", "-class", "-expiry", "-expiration", "-issued", "-country", "plate", "software", "product", "medical", "business", "dea", "fishing"),
	.ok = is_us_license, .min = 5, .max = 20, .says = 30);
