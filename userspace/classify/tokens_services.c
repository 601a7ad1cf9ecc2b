/* SPDX-License-Identifier: Apache-2.0 */
/* tokens_services.c - tokens of services that applications call: payment, mail, chat, models, monitoring. Formats
 * are those of the issuers' public documentation. */
#include "classify/tokens.h"

TOKEN_CLASS(class_stripe_key, "stripe_key", "Stripe secret key", KEYS(K("stripekey"), K("stripesecretkey"), K("stripeapikey"), W("secretkey")),
	T("sk_live_", OF_ALNUM, 16, 255), T("sk_test_", OF_ALNUM, 16, 255), T("rk_live_", OF_ALNUM, 16, 255),
	T("rk_test_", OF_ALNUM, 16, 255), T("whsec_", OF_BASE64, 24, 64), T("sk_prod_", OF_ALNUM, 16, 255));

TOKEN_CLASS(class_payment_key, "payment_key", "secret key of a payment service",
	KEYS(K("squareaccesstoken"), K("braintreetoken"), K("razorpaykey"), K("plaidsecret"), W("secretkey")),
	T("sq0atp-", OF_URL, 22, 60), T("sq0csp-", OF_URL, 43, 43), T("EAAA", OF_URL, 56, 60), F("access_token$production$", "l16$h32"),
	F("access_token$sandbox$", "l16$h32"), T("rzp_live_", OF_ALNUM, 14, 14), T("rzp_test_", OF_ALNUM, 14, 14),
	F("access-production-", UUID), F("access-development-", UUID), F("access-sandbox-", UUID),
	F("FLWSECK_TEST-", "h32-X"), F("FLWSECK_TEST-", "h12"), F("FLWSECK-", "h32-X"), F("FLWPUBK_TEST-", "h32-X"),
	T("live_pub_", OF_HEX, 31, 35), T("gocardless_live_", OF_URL, 40, 40), T("sk_sbox_", OF_LOWER, 26, 60),
	T("shippo_live_", OF_HEX, 40, 40), T("shippo_test_", OF_HEX, 40, 40), T("EZAK", OF_ALNUM, 54, 54), T("EZTK", OF_ALNUM, 54, 54),
	T("duffel_live_", OF_URL, 43, 43), T("duffel_test_", OF_URL, 43, 43),
	T("Mid-server-", OF_URL, 20, 40), T("SB-Mid-server-", OF_URL, 20, 40), T("paddle_live_", OF_ALNUM, 40, 80),
	T("pdl_live_apikey_", OF_WORD, 40, 80), T("pdl_sdbx_apikey_", OF_WORD, 40, 80), T("sk_lo_", OF_ALNUM, 24, 64),
	T("xnd_production_", OF_ALNUM, 40, 80), T("xnd_development_", OF_ALNUM, 40, 80),
	F("sk_", UUID), F("sk_test_", UUID), T("APP_USR-", OF_URL, 60, 80), T("live_", OF_ALNUM, 30, 30, .says = 75), T("live_", OF_HEX, 35, 35));

TOKEN_CLASS(class_shopify_token, "shopify_token", "Shopify token", KEYS(K("shopifytoken"), K("shopifyaccesstoken"), W("token")),
	T("shpat_", OF_HEX, 32, 32), T("shpca_", OF_HEX, 32, 32), T("shppa_", OF_HEX, 32, 32), T("shpss_", OF_HEX, 32, 32),
	T("shpua_", OF_HEX, 32, 32), T("shptka_", OF_HEX, 32, 32), T("prtapi_", OF_HEX, 32, 32));

TOKEN_CLASS(class_slack_token, "slack_token", "Slack token or webhook", KEYS(K("slacktoken"), K("slackbottoken"), K("slackwebhook"), W("token")),
	T("xoxb-", OF_URL, 20, 90), T("xoxp-", OF_URL, 20, 120), T("xoxa-", OF_URL, 20, 120), T("xoxo-", OF_URL, 20, 120),
	T("xoxs-", OF_URL, 20, 120), T("xoxr-", OF_URL, 20, 120), T("xoxe.xoxb-", OF_URL, 100, 300), T("xoxe.xoxp-", OF_URL, 100, 300),
	T("xoxe-", OF_URL, 100, 300), T("xapp-", OF_URL, 50, 160), T("xwfp-", OF_URL, 40, 160),
	T("hooks.slack.com/services/T", OF_BASE64, 30, 60), T("hooks.slack.com/workflows/T", OF_BASE64, 30, 80),
	T("hooks.slack.com/triggers/T", OF_BASE64, 30, 80));

TOKEN_CLASS(class_chat_token, "chat_token", "bot token or webhook of a chat service", KEYS(K("bottoken"), K("webhookurl"), K("discordtoken"), W("token")),
	T("discord.com/api/webhooks/", OF_ANY, 80, 100), T("discordapp.com/api/webhooks/", OF_ANY, 80, 100),
	T("mfa.", OF_URL, 84, 84), T("outlook.office.com/webhook/", OF_ANY, 80, 300),
	F("webhook.office.com/webhookb2/", UUID "@" UUID "/IncomingWebhook/h32/" UUID), T("syt_", OF_WORD, 30, 80),
	T("EAACEdEose0cBA", OF_ALNUM, 20, 250), T("EAA", OF_ALNUM, 100, 250), T("IGQV", OF_URL, 100, 250), F("RGAPI-", UUID),
	T("xoxc-", OF_URL, 30, 160), T("xoxd-", OF_ANY, 80, 400),
	T(":AA", OF_URL, 33, 33, .back = OF_DIGIT, .back_min = 8, .back_max = 10),	/* Telegram */
	F("MTA", "w21.w6.w38"), F("MTA", "w23.w6.w38"), F("MTE", "w23.w6.w38"), F("MTI", "w23.w6.w38"), F("MTM", "w23.w6.w38"),	/* Discord */
	F("mat_", "a30_a6"), F("mct_", "a30_a6"), F("mar_", "a30_a6"),	/* Matrix */
	F("MTA", "w21.w6.w27"), F("MTA", "w23.w6.w27"), F("OTk", "w21.w6.w38"), F("OTk", "w21.w6.w27"), F("OTg", "w21.w6.w27"),
	F("ODk", "w21.w6.w27"), F("Nz", "w22.w6.w27"));

TOKEN_CLASS(class_mail_key, "mail_key", "key of a mail or message service", KEYS(K("sendgridapikey"), K("mailgunapikey"), K("twilioapikey"), W("apikey")),
	F("SG.", "w22.w43"), T("key-", OF_HEX, 32, 32, .says = 80), F("xkeysib-", "h64-a16"), F("xsmtpsib-", "h64-a16"),
	T("mlsn.", OF_HEX, 64, 64), F("re_", "a8_a24"), T("SK", OF_HEX, 32, 32, .says = 75), T("md-", OF_URL, 22, 22, .says = 62),
	T("pubkey-", OF_HEX, 32, 32, .says = 62),
	T("-us", OF_DIGIT, 1, 2, .back = OF_HEX, .back_min = 32, .back_max = 32), F("KEY01", "u27_a22"), T("pk_", OF_HEX, 34, 34));

TOKEN_CLASS(class_openai_key, "openai_key", "OpenAI key", KEYS(K("openaiapikey"), K("openaikey"), W("apikey")),
	T("sk-proj-", OF_URL, 40, 200), T("sk-svcacct-", OF_URL, 40, 200), T("sk-admin-", OF_URL, 40, 200), T("sk-None-", OF_URL, 40, 200),
	F("sk-", "a20T3BlbkFJa20"), T("sk-", OF_ALNUM, 32, 60, .says = 85), T("sess-", OF_ALNUM, 40, 40, .says = 80));

TOKEN_CLASS(class_anthropic_key, "anthropic_key", "Anthropic key", KEYS(K("anthropicapikey"), K("claudeapikey"), W("apikey")),
	T("sk-ant-api03-", OF_URL, 80, 120), T("sk-ant-admin01-", OF_URL, 80, 120), T("sk-ant-sid01-", OF_URL, 80, 140),
	T("sk-ant-oat01-", OF_URL, 80, 140), T("sk-ant-ort01-", OF_URL, 80, 140));

TOKEN_CLASS(class_model_key, "model_key", "key of a model service", KEYS(K("hftoken"), K("groqapikey"), K("llmapikey"), W("apikey")),
	T("hf_", OF_ALNUM, 34, 40), T("api_org_", OF_ALNUM, 34, 34), T("r8_", OF_ALNUM, 37, 40), T("gsk_", OF_ALNUM, 52, 52),
	T("pplx-", OF_ALNUM, 48, 56), T("xai-", OF_ALNUM, 70, 90), T("nvapi-", OF_URL, 60, 70), T("sk-or-v1-", OF_HEX, 64, 64),
	T("tvly-", OF_URL, 28, 60), T("fw_", OF_ALNUM, 22, 40, .says = 65), T("csk-", OF_LOWER, 48, 48), T("pcsk_", OF_WORD, 60, 90),
	F("lsv2_pt_", "h32_h10"), F("lsv2_sk_", "h32_h10"), T("ls__", OF_HEX, 32, 32), F("sk-lf-", UUID),
	T("sk-helicone-", OF_URL, 24, 60), T("jina_", OF_URL, 60, 70), T("e2b_", OF_HEX, 40, 40), T("fc-", OF_HEX, 32, 32),
	T("tgp_v1_", OF_URL, 43, 43), T("esecret_", OF_ALNUM, 22, 40), T("pa-", OF_URL, 43, 43, .says = 62), T("sk_", OF_HEX, 48, 48),
	T("glhf_", OF_HEX, 32, 32), T("ak-", OF_ALNUM, 22, 22, .says = 62), T("as-", OF_ALNUM, 22, 22, .says = 62),
	T("key_", OF_HEX, 64, 64), T("key_", OF_HEX, 128, 128), T("wandb_v1_", OF_WORD, 60, 90), T("bb_live_", OF_URL, 24, 32), T("hl_sk_", OF_HEX, 40, 64),
	T("pl_", OF_HEX, 32, 32, .says = 80), T("llx-", OF_ALNUM, 48, 48), T("m0-", OF_ALNUM, 40, 40), T("sk-let-", OF_ANY, 60, 120), T("pat_", OF_ALNUM, 64, 64));

TOKEN_CLASS(class_monitoring_key, "monitoring_key", "key of a monitoring service", KEYS(K("newreliclicensekey"), K("sentryauthtoken"), K("grafanatoken"), W("apikey")),
	T("NRAK-", OF_UPPER, 27, 27), T("NRII-", OF_URL, 32, 32), T("NRAL-", OF_ALNUM, 20, 40), T("NRJS-", OF_HEX, 19, 19),
	T("NRRA-", OF_HEX, 42, 42), T("sntrys_eyJ", OF_ANY, 100, 400), T("sntryu_", OF_HEX, 64, 64), F("glsa_", "a32_h8"),
	T("glc_", OF_BASE64, 32, 400), T("eyJrIjoi", OF_BASE64, 70, 400, .says = 62), F("dt0c01.", "u24.u64"), F("dt0s01.", "u8.u64"),
	F("dt0s02.", "u8.u64"), T("hcaik_", OF_LOWER, 58, 58), T("hcxik_", OF_LOWER, 58, 58), T("hcamk_", OF_LOWER, 58, 58),
	T("phx_", OF_ALNUM, 43, 48), T("phs_", OF_ALNUM, 43, 48), T("rdme_", OF_LOWER, 70, 70), T("rootly_", OF_HEX, 64, 64),
	T("cxtp_", OF_ALNUM, 28, 34), T("cxup_", OF_ALNUM, 28, 34), T("logfire_", OF_ANY, 40, 120, .says = 62),
	F("xaat-", UUID), F("xapt-", UUID), T("cu_", OF_HEX, 32, 32, .says = 80), T("p.eyJ", OF_DOTTED, 60, 250));

TOKEN_CLASS(class_service_token, "service_token", "token of another service", KEYS(K("apitoken"), K("accesstoken"), W("token"), W("apikey")),
	T("lin_api_", OF_ALNUM, 40, 40), T("lin_oauth_", OF_HEX, 64, 64), T("lin_wh_", OF_ALNUM, 40, 48), T("ntn_", OF_ALNUM, 44, 48),
	T("secret_", OF_ALNUM, 43, 43), T("figd_", OF_URL, 40, 48), T("figo_", OF_URL, 40, 48), F("PMAK-", "h24-h34"),
	T("PMAT-", OF_UPPER, 26, 26), F("pat-na1-", UUID), F("pat-eu1-", UUID), F("pat-na2-", UUID), F("pat", "a14.h64"),
	T("ATTA", OF_HEX, 64, 72), T("tfp_", OF_ANY, 40, 70), T("sk.eyJ1", OF_DOTTED, 60, 200), T("fio-u-", OF_URL, 64, 64),
	T("zpka_", OF_WORD, 32, 60), T("unkey_", OF_ALNUM, 20, 40), F("waka_", UUID), T("waka_sec_", OF_ALNUM, 60, 100),
	T("p8e-", OF_LOWER, 32, 32), T("flb_live_", OF_ALNUM, 20, 40), T("sl.", OF_URL, 130, 200),
	T("sl.u.", OF_URL, 130, 1400), T("dG9rO", OF_BASE64, 50, 60), T("s-s4t2ud-", OF_HEX, 64, 64), T("s-s4t2af-", OF_HEX, 64, 64),
	F("api_live.", "w11.w32"), F("api_live_us.", "w11.w32"), F("api_sandbox.", "w11.w32"),
	T("persona_production_", OF_URL, 24, 60), T("persona_sandbox_", OF_URL, 24, 60), F("sdk-", UUID), F("api-", UUID),
	F("mob-", UUID), T("ion_", OF_ALNUM, 42, 42), T("secret-live-", OF_URL, 35, 80), T("secret-test-", OF_URL, 35, 80),
	F("amzn.mws.", UUID), T("amzn1.oa2-cs.v1.", OF_HEX, 64, 64), T("Atza|", OF_ANY, 60, 1000), T("Atzr|", OF_ANY, 60, 1000), F("00D", "a12!w60", .says = 62), T("3MVG9", OF_DOTTED, 70, 100, .says = 75),
	T("AAAAAAAAAAAAAAAAAAAAA", OF_ANY, 80, 120), T("oauth2v2_", OF_HEX, 32, 64), T("kgat_", OF_ALNUM, 32, 64, .says = 75), T("sk_production_", OF_ALNUM, 20, 64), T("apify_api_", OF_ALNUM, 32, 40), T("cal_live_", OF_HEX, 32, 32), T("aio_", OF_ALNUM, 28, 28), T("hooks.zapier.com/hooks/catch/", OF_BASE64, 14, 40),
	T("tk.eyJ1", OF_DOTTED, 60, 200), T("pk.eyJ1", OF_DOTTED, 60, 200, .says = 75), F("1/1", "d15:h32"), F("2/1", "d15/d16:h32"),
	F("pk_", "d7_u32"), F("pk_", "d8_u32"), F("pk_", "d9_u32"), T("alcht_", OF_ALNUM, 30, 30), T("QN_", OF_HEX, 32, 32),
	T("BBFF-", OF_ALNUM, 30, 30), T("BBUS-", OF_ALNUM, 30, 30));
