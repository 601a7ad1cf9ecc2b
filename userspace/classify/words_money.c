/* SPDX-License-Identifier: Apache-2.0 */
/* words_money.c - what goes with a card or an account and has no check digit of its own, by the names of fields. */
#include <string.h>

#include "classify/words.h"

static bool is_digits(struct slice v)
{
	for (size_t i = 0; i < v.len; i++)
		if (!is_digit(v.ptr[i]))
			return false;
	return v.len > 0;
}

WORD_CLASS(class_cvv, "cvv", GROUP_PCI, "card verification code",
	KEYS(K("cvv"), K("cvc"), K("cvv2"), K("cvc2"), K("cardcvv"), K("cardcvc"), K("securitycode"), K("cardsecuritycode"),
	     K("verificationvalue"), K("cardverificationvalue"), K("cid"), K("pruefziffer"), K("kartenpruefnummer"), K("kartenprüfnummer"),
	     K("cryptogramme"), K("codedesecurite"), K("codigodeseguridad"), K("codicedisicurezza"), K("codigodeseguranca"),
	     K("beveiligingscode"), K("csc"), K("cvn"), K("cardverificationcode"), K("cvvcode"), K("cvccode"), K("ccv"), K("cardseccode"),
	     W("cardcode")),
	WORDS("-result", "-check", "-response", "-id", "-present"), .ok = is_digits, .min = 3, .max = 4, .says = 30);

static bool is_expiry(struct slice v)
{
	size_t month = 0, i = 0, year = 0;

	while (i < v.len && is_digit(v.ptr[i]) && i < 2)
		month = month * 10 + (size_t)(v.ptr[i++] - '0');
	while (i < v.len && (v.ptr[i] == ' ' || v.ptr[i] == '/' || v.ptr[i] == '-'))
		i++;
	for (; i < v.len && is_digit(v.ptr[i]); i++)
		year = year * 10 + (size_t)(v.ptr[i] - '0');
	return i == v.len && month >= 1 && month <= 12 && ((year >= 20 && year <= 45) || (year >= 2020 && year <= 2045));
}

WORD_CLASS(class_card_expiry, "card_expiry", GROUP_PCI, "expiry of a card",
	KEYS(K("cardexpiry"), K("expirydate"), K("expirationdate"), K("cardexpirationdate"), K("cardexpiration"), K("expdate"), K("expiry"),
	     K("cardexp"), K("ccexp"), K("validthru"), K("validthrough"), K("gueltigbis"), K("gültigbis"), K("datedexpiration"),
	     K("fechadecaducidad"), K("fechacaducidad"), K("datadiscadenza"), K("datascadenza"), K("validade"), K("vervaldatum"),
	     K("datawaznosci"), W("exp"), W("expiration"), W("expires"), K("cardexpire"), K("cardexpires"), K("cardexpirydate"),
	     K("cardexpdate"), K("cardvalidthru"), K("cardvaliduntil"), K("ccexpiry"), K("ccexpiration"), K("ccexpire"), K("ablaufdatum"),
	     K("vencimiento"), K("fechadevencimiento"), K("fechavencimiento"), K("scadenza")),
	WORDS("token", "session", "cookie", "cache", "password", "license", "key", "-ms", "-seconds"), .ok = is_expiry, .min = 4, .max = 9, .says = 38);

WORD_CLASS(class_pin, "pin", GROUP_PCI, "PIN of a card or account",
	KEYS(K("pin"), K("pincode"), K("cardpin"), K("atmpin"), K("pinnumber"), K("pinblock"), K("geheimzahl"), K("codepin"),
	     K("accountpin"), K("mpin"), K("upipin"), K("cardpincode"), K("atmpincode")),
	WORDS("gpio", "onetime", "time", "-number-in", "map", "board", "chat", "-x", "-y", "address", "postal", "zip"), .ok = is_digits, .min = 4, .max = 6, .says = 28);

static bool is_account(struct slice v)
{
	size_t digits = 0;

	for (size_t i = 0; i < v.len; i++) {
		if (!is_digit(v.ptr[i]) && v.ptr[i] != '-' && v.ptr[i] != ' ' && v.ptr[i] != '.')
			return false;
		digits += is_digit(v.ptr[i]);
	}
	return digits >= 6;
}

WORD_CLASS(class_bank_account, "bank_account", GROUP_PII, "bank account number without a check",
	KEYS(K("bankaccountnumber"), K("bankaccountno"), K("accountno"), K("accountnumber"), K("acctnumber"), K("acctno"), K("bankaccount"),
	     K("kontonr"), K("kontonummer"), K("numerodecompte"), K("numerocompte"), K("numerodecuenta"), K("numerocuenta"),
	     K("numeroconto"), K("numerodaconta"), K("numeroconta"), K("rekeningnummer"), K("numerrachunku"), K("rachunek"),
	     K("checkingaccount"), K("savingsaccount"), K("debitaccount"), K("creditoraccount"), K("acctnum"), K("accountnum"),
	     K("acctnbr"), K("accountnbr"), K("bankacct"), K("bankacctnum"), K("achaccount"), K("eftaccount"), K("bacsaccount"),
	     K("cuentabancaria"), K("contobancario"), K("contacorrente"), K("bankkonto"), K("nrkonta"), K("nrrachunku"), K("hesapno"),
	     K("tilinumero"), K("nuban"), K("accountnumbers")),
	NULL, .ok = is_account, .min = 6, .max = 24, .says = 20);

static bool is_loan(struct slice v)
{
	size_t digits = 0;

	for (size_t i = 0; i < v.len; i++) {
		if (!is_alnum(v.ptr[i]) && v.ptr[i] != '-' && v.ptr[i] != ' ' && v.ptr[i] != '/')
			return false;
		digits += is_digit(v.ptr[i]);
	}
	return digits >= 5;
}

WORD_CLASS(class_loan_number, "loan_number", GROUP_CONFIDENTIAL, "number of a loan or mortgage",
	KEYS(K("loannumber"), K("loanno"), K("loanid"), K("loanaccount"), K("loanaccountnumber"), K("mortgagenumber"), K("mortgageaccount"),
	     K("mortgageid"), K("creditagreementnumber"), K("kreditnummer"), K("darlehensnummer"), K("darlehenskonto"), K("numerodepret"),
	     K("numeropret"), K("numerodeprestamo"), K("numeroprestamo"), K("numeromutuo"), K("numerodoemprestimo"), K("leningnummer"),
	     K("numerkredytu"), K("loannum"), K("loanacctnumber")),
	WORDS("-count", "book", "library"), .ok = is_loan, .min = 5, .max = 24, .says = 32);
