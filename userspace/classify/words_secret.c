/* SPDX-License-Identifier: Apache-2.0 */
/* words_secret.c - secrets without a prefix, by the names of fields. A digest cannot be told from a key by its
 * content: the name has to say that it is one. */
#include <string.h>

#include "classify/ids.h"
#include "classify/words.h"

static bool is_aws_secret(struct slice v)
{
	for (size_t i = 0; i < v.len; i++)
		if (!is_alnum(v.ptr[i]) && v.ptr[i] != '/' && v.ptr[i] != '+')
			return false;
	return !few_bytes((const char *)v.ptr, v.len, 8);
}

WORD_CLASS(class_aws_secret_key, "aws_secret_key", GROUP_SECRET, "AWS secret access key",
	KEYS(K("secretaccesskey"), K("awssecretaccesskey"), K("awssecretkey"), K("awssecret"), K("amazonsecretkey"), W("secretkey"), W("secret")),
	NULL, .ok = is_aws_secret, .min = 40, .max = 40, .says = 45);

WORD_CLASS(class_api_key, "api_key", GROUP_SECRET, "API key or other shared secret",
	KEYS(K("apikey"), K("xapikey"), K("apisecret"), K("apitoken"), K("secretkey"), K("accesskey"), K("authtoken"), K("secrettoken"),
	     K("appsecret"), K("applicationkey"), K("encryptionkey"), K("signingkey"), K("signingsecret"), K("webhooksecret"),
	     K("sharedsecret"), K("masterkey"), K("servicekey"), K("subscriptionkey"), K("ocpapimsubscriptionkey"), K("licensekey"),
	     K("accountkey"), K("storagekey"), K("hmackey"), K("apischluessel"), K("cleapi"), K("claveapi"), K("chiaveapi"), K("secret"),
	     K("jwtsecret"), K("jwtkey"), K("sessionsecret"), K("cookiesecret"), K("appkey"), K("apptoken"), K("privatetoken"),
	     K("personalaccesstoken"), K("servicetoken"), K("bottoken"), K("authkey"), K("authorizationkey"), K("sharedkey"),
	     K("sharedaccesskey"), K("accesskeysecret"), K("hmacsecret"), K("deploytoken"), K("webhooktoken"), K("verifytoken"),
	     K("secretkeybase"), K("licencekey")),
	WORDS("-id", "-ref", "-version", "-name", "public", "publishable", "-fingerprint", "-alias", "-arn", "-prefix", "-at", "-date", "-expiry"),
	.ok = is_secret_text, .min = 16, .max = 200, .says = 32);

WORD_CLASS(class_oauth_secret, "oauth_secret", GROUP_SECRET, "OAuth client secret or refresh token",
	KEYS(K("clientsecret"), K("oauthsecret"), K("refreshtoken"), K("oauthtoken"), K("consumersecret"), K("accesstokensecret"),
	     K("accesstoken"), K("oauthtokensecret"), K("appclientsecret"), K("idtoken"), K("bearertoken")),
	WORDS("-id", "-name", "-type", "-expires", "-uri"), .ok = is_secret_text, .min = 16, .max = 255, .says = 34);

/* Of services that give everything such an id ("SM" and 32 hex digits) the sid names no session. */
static bool is_session(struct slice v)
{
	size_t i = 2;

	while (v.len == 34 && i < v.len && is_hex(v.ptr[i]) && !is_upper(v.ptr[i]))
		i++;
	return is_secret_text(v) && !(i == 34 && is_upper(v.ptr[0]) && is_upper(v.ptr[1])) && !slice_begins(v, 0, "arn:");
}

WORD_CLASS(class_session_cookie, "session_cookie", GROUP_SECRET, "session identifier",
	KEYS(K("sessionid"), K("sessid"), K("phpsessid"), K("jsessionid"), K("connectsid"), K("sessiontoken"), K("sessionkey"),
	     K("aspnetsessionid"), K("csrftoken"), K("xcsrftoken"), K("authcookie"), K("sessioncookie"), K("sid"), K("setcookie"),
	     K("session"), W("cookie"), K("xsrftoken"), K("csrf"), K("csrfmiddlewaretoken"), K("authenticitytoken"),
	     K("requestverificationtoken"), K("antiforgerytoken"), K("sessionhash")),
	WORDS("-arn", "-length", "-timeout", "-name"), .ok = is_session, .min = 16, .max = 255, .says = 32);

static bool is_code(struct slice v)
{
	size_t digits = 0;

	for (size_t i = 0; i < v.len; i++) {
		if (!is_digit(v.ptr[i]) && v.ptr[i] != '-' && v.ptr[i] != ' ')
			return false;
		digits += is_digit(v.ptr[i]);
	}
	return digits >= 4;
}

/* In a text six digits or more, behind the word: "Your passcode is 482913". */
static const struct id_rule rule_otp_text = { .shapes = { { "######", 30 }, { "###-###", 30 }, { "### ###", 30 }, { "#######", 28 }, { "########", 28 } } };

static int otp_find(struct slice s, size_t at, struct hit *out)
{
	int says = id_find(s, at, out);

	if (!says && !at && s.len >= 4 && s.len <= 9 && is_code(s))
		return hit_hidden(out, 0, s.len, 30);
	mask_set(out->mask, "********");
	return says;
}

const struct class_row class_otp = {
	.info = { "otp", GROUP_SECRET, 3, CONF_LIKELY, "one-time code" },
	.triggers = TRIGGER_KEY | TRIGGER_NEAR,
	.against = AGAINST_GENERAL,
	.id = &rule_otp_text,
	.keys = KEYS(K("otp"), K("otpcode"), K("onetimecode"), K("onetimepassword"), K("onetimepasscode"), K("totp"), K("mfacode"),
	     K("twofactorcode"), K("2facode"), K("verificationcode"), K("smscode"), K("authcode"), K("securitytoken"), K("einmalcode"),
	     K("bestaetigungscode"), K("codeverification"), K("codigodeverificacion"), K("codicediverifica"), K("codigodeverificacao"),
	     K("verificatiecode"), K("kodweryfikacyjny"), W("tan"), W("passcode"), K("onetimepin"), K("mfatoken"), K("twofactortoken"),
	     K("2fa"), K("2fatoken"), K("tfacode"), K("logincode"), K("signincode"),
	     K("authenticationcode"), K("verifycode"), K("twofactor")),
	.counter = WORDS("-length", "-id", "-at", "-expiry"),
	.find = otp_find,
};

WORD_CLASS(class_reset_token, "reset_token", GROUP_SECRET, "token that resets a password or signs in",
	KEYS(K("resettoken"), K("passwordresettoken"), K("resetpasswordtoken"), K("magiclink"), K("magictoken"), K("invitetoken"),
	     K("confirmationtoken"), K("activationtoken"), K("logintoken"), K("onetimetoken"), K("resetcode"), K("verificationtoken"),
	     K("emailverificationtoken"), K("confirmtoken"), K("invitationtoken"), K("passwordresetcode"), K("recoverytoken"),
	     K("recoverycode"), K("resetkey"), K("magiclinktoken"), K("signintoken"), K("verifytoken")),
	NULL, .ok = is_secret_text, .min = 12, .max = 255, .says = 34);
