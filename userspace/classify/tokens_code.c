/* SPDX-License-Identifier: Apache-2.0 */
/* tokens_code.c - tokens of where code is kept, built, published and deployed, and of clouds. Formats are those
 * of the issuers' public documentation. */
#include "classify/tokens.h"

/* The last six of the body are the CRC-32 of those before, in base 62: github.blog, "Behind GitHub's new
 * authentication token formats"; npm has the same. */
static bool crc62_ok(const char *body, size_t len)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	uint32_t crc = ~0u;

	for (size_t i = 0; i + 6 < len; i++) {
		crc ^= (uint8_t)body[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	crc = ~crc;
	for (size_t i = len; i > len - 6; i--, crc /= 62)
		if (body[i - 1] != digits[crc % 62])
			return false;
	return true;
}

TOKEN_CLASS(class_github_token, "github_token", "GitHub token", KEYS(K("githubtoken"), K("ghtoken"), W("token")),
	T("ghp_", OF_ALNUM, 36, 36, .ok = crc62_ok), T("gho_", OF_ALNUM, 36, 36, .ok = crc62_ok),
	T("ghu_", OF_ALNUM, 36, 36, .ok = crc62_ok), T("ghs_", OF_ALNUM, 36, 36, .ok = crc62_ok),
	T("ghr_", OF_ALNUM, 36, 76), F("github_pat_", "a22_a59"));

TOKEN_CLASS(class_gitlab_token, "gitlab_token", "GitLab token", KEYS(K("gitlabtoken"), W("token")),
	T("glpat-", OF_DOTTED, 20, 64), T("gldt-", OF_URL, 20, 64), T("glrt-", OF_DOTTED, 20, 64), T("glcbt-", OF_URL, 20, 80),
	T("glptt-", OF_HEX, 40, 40), T("glft-", OF_URL, 20, 64), T("glimt-", OF_URL, 25, 25), T("glsoat-", OF_URL, 20, 20),
	T("glagent-", OF_URL, 50, 64), T("gloas-", OF_ALNUM, 64, 64), T("glffct-", OF_URL, 20, 20), T("glwt-", OF_URL, 20, 64),
	T("GR1348941", OF_URL, 20, 20), T("_gitlab_session=", OF_HEX, 32, 32));

TOKEN_CLASS(class_npm_token, "npm_token", "npm access token", KEYS(K("npmtoken"), K("nodeauthtoken"), W("authtoken")),
	T("npm_", OF_ALNUM, 36, 36, .ok = crc62_ok), F("NpmToken.", UUID));

TOKEN_CLASS(class_package_token, "package_token", "token of a package registry",
	KEYS(K("pypitoken"), K("cargotoken"), K("rubygemsapikey"), K("nugetapikey"), W("registrytoken")),
	T("pypi-AgEIcHlwaS5vcmc", OF_URL, 50, 1000), T("pypi-AgENdGVzdC5weXBpLm9yZ", OF_URL, 50, 1000),
	T("rubygems_", OF_HEX, 48, 48), T("cio", OF_ALNUM, 32, 32, .says = 62), T("oy2", OF_LOWER, 43, 43),
	T("CLOJARS_", OF_LOWER, 60, 60), T("packagist_uut_", OF_HEX, 64, 80), T("packagist_out_", OF_HEX, 64, 80),
	T("packagist_ack_", OF_HEX, 64, 80), F("ovsxat_", UUID), T("sktsec_", OF_URL, 30, 80),
	F("BUNDLE_ENTERPRISE__CONTRIBSYS__COM=", "h8:h8"), F("BUNDLE_GEMS__CONTRIBSYS__COM=", "h8:h8"), T("jsrd_", OF_ALNUM, 32, 64), T("jsrp_", OF_ALNUM, 32, 64));

TOKEN_CLASS(class_docker_token, "docker_token", "Docker Hub token", KEYS(K("dockertoken"), K("dockerhubtoken"), W("token")),
	T("dckr_pat_", OF_URL, 27, 27), T("dckr_oat_", OF_URL, 27, 40));

TOKEN_CLASS(class_artifactory_token, "artifactory_token", "JFrog Artifactory token", KEYS(K("artifactorytoken"), K("jfrogtoken"), W("apikey")),
	T("AKCp", OF_ALNUM, 69, 69), T("cmVmdGtuO", OF_ALNUM, 55, 60), T("cmVmd", OF_ALNUM, 59, 59));

TOKEN_CLASS(class_atlassian_token, "atlassian_token", "Atlassian or Bitbucket token", KEYS(K("atlassiantoken"), K("jiratoken"), K("bitbuckettoken"), W("token")),
	T("ATATT3", OF_ANY, 100, 240), T("ATCTT3", OF_ANY, 100, 240), T("ATBB", OF_ALNUM, 32, 32), T("ATSTT3", OF_ANY, 100, 240));

TOKEN_CLASS(class_ci_token, "ci_token", "token of a build service", KEYS(K("citoken"), K("circletoken"), K("sonartoken"), W("buildtoken")),
	F("CCIPAT_", "a22_h40"), F("CCIPRJ_", "a22_h40"), T("bkua_", OF_HEX, 40, 40), T("bkct_", OF_ALNUM, 40, 60),
	T("sqp_", OF_HEX, 40, 40), T("squ_", OF_HEX, 40, 40), T("sqa_", OF_HEX, 40, 40), T("sqb_", OF_HEX, 40, 40),
	T("sgp_", OF_HEX, 40, 40), F("sgp_", "h16_h40"), T("sgp_local_", OF_HEX, 40, 40), T("slk_", OF_HEX, 64, 64),
	F("dapi", "h32-d1", .says = 90), F("dapi", "h32", .says = 85), T("HRKU-AA", OF_URL, 58, 58), T("rnd_", OF_ALNUM, 28, 40, .says = 65),
	T("nfp_", OF_ALNUM, 36, 40), T("nfc_", OF_ALNUM, 36, 40), T("nfo_", OF_ALNUM, 36, 40), T("vcp_", OF_ALNUM, 40, 60),
	T("vck_", OF_ALNUM, 40, 60), T("ddp_", OF_ALNUM, 36, 36), T("ddo_", OF_ALNUM, 34, 36), T("depot_user_", OF_HEX, 64, 64),
	T("depot_project_", OF_HEX, 64, 64), T("depot_org_", OF_HEX, 64, 64),
	F("pat.", "w22.h24.a20"), F("sat.", "w22.h24.a20"), F("vercel_blob_rw_", "a16_a30"), T("sgp_", OF_ALNUM, 64, 64),
	T("tr_prod_", OF_ALNUM, 20, 24), T("tr_dev_", OF_ALNUM, 20, 24), T("signkey-prod-", OF_HEX, 64, 64), T("signkey-test-", OF_HEX, 64, 64),
	F("dose", "h32", .says = 80), T("API-", OF_UPPER, 26, 26, .says = 62), T("snyk_uat.", OF_DOTTED, 40, 400));

TOKEN_CLASS(class_vault_token, "vault_token", "HashiCorp Vault, Terraform or Consul token", KEYS(K("vaulttoken"), K("tfetoken"), W("token")),
	T("hvs.", OF_URL, 24, 300), T("hvb.", OF_URL, 90, 300), T("hvr.", OF_URL, 24, 300), T("s.", OF_ALNUM, 24, 24, .says = 45),
	T("atlasv1.", OF_URL, 60, 90, .back = OF_DOTTED, .back_min = 15, .back_max = 15));

TOKEN_CLASS(class_infra_token, "infra_token", "token of an infrastructure service",
	KEYS(K("dopplertoken"), K("pulumiaccesstoken"), K("tailscaleauthkey"), W("token")),
	T("dp.pt.", OF_ALNUM, 40, 44), T("dp.ct.", OF_ALNUM, 40, 44), T("dp.st.", OF_DOTTED, 40, 80), T("dp.sa.", OF_ALNUM, 40, 44),
	T("dp.scim.", OF_ALNUM, 40, 44), T("dp.audit.", OF_ALNUM, 40, 44), T("pul-", OF_HEX, 40, 40),
	T("tskey-api-", OF_URL, 20, 64), T("tskey-auth-", OF_URL, 20, 64), T("tskey-client-", OF_URL, 20, 64),
	T("tskey-scim-", OF_URL, 20, 64), T("tskey-webhook-", OF_URL, 20, 64), T("fo1_", OF_URL, 43, 43), T("fm1a_", OF_BASE64, 100, 1000),
	T("fm1r_", OF_BASE64, 100, 1000), T("fm2_", OF_BASE64, 100, 1000), T("ico-", OF_ALNUM, 32, 32), T("pnu_", OF_ALNUM, 36, 36),
	T("pnb_", OF_ALNUM, 36, 36), T("sha256~", OF_URL, 43, 43), T("ops_eyJ", OF_BASE64, 250, 1500), F("A3-", "u6-u11-u5-u5-u5"),
	F("A3-", "u6-u6-u5-u5-u5-u5"), T("AGE-SECRET-KEY-1", OF_UPPER, 58, 58), T("rpa_", OF_ALNUM, 40, 50), F("st.", "h8-h4-h4-h4-h12.h32.h32"),
	F("dnkey-", "l26-w52"), T("sm_pat_", OF_ALNUM, 16, 16), T("sm_aat_", OF_ALNUM, 16, 16), T("tk-us-", OF_URL, 48, 48), T("essu_", OF_BASE64, 40, 200),
	T("AVNS_", OF_URL, 19, 19), F("CCDB1_", "a22_a40"), F("K10", "h64::server:h32"), T("ptr_", OF_BASE64, 43, 45, .says = 85), T("nbp_", OF_ALNUM, 36, 36),
	F("token-", "l5:l54"), T("dbtc_", OF_URL, 40, 60), T("dbtu_", OF_URL, 40, 60), T("dnsimple_a_", OF_ALNUM, 32, 64),
	T("dnsimple_u_", OF_ALNUM, 32, 64), T("pk1_", OF_HEX, 64, 64), T("sk1_", OF_HEX, 64, 64), T("ory_pat_", OF_ALNUM, 32, 32),
	T("ory_st_", OF_ALNUM, 32, 32), T("ory_at_", OF_DOTTED, 60, 200), T("ory_rt_", OF_DOTTED, 60, 200));

TOKEN_CLASS(class_cloud_key, "cloud_key", "key of a cloud provider",
	KEYS(K("cloudapikey"), K("digitaloceantoken"), K("cloudflareapitoken"), K("alibabaaccesskey"), W("accesskey")),
	T("dop_v1_", OF_HEX, 64, 64), T("doo_v1_", OF_HEX, 64, 64), T("dor_v1_", OF_HEX, 64, 64), T("LTAI", OF_ALNUM, 12, 20),
	T("AKID", OF_ALNUM, 32, 32), T("SCW", OF_UPPER, 17, 17, .says = 62), T("AQVN", OF_URL, 35, 38), T("t1.9eu", OF_ANY, 80, 400),
	T("YCAJE", OF_URL, 20, 20), T("YCN", OF_URL, 36, 38, .says = 62), F("v1.0-", "h24-h146"), T("cfut_", OF_ALNUM, 40, 60),
	T("cfat_", OF_ALNUM, 40, 60), T("cfk_", OF_ALNUM, 40, 60), T("ABSK", OF_BASE64, 109, 269),
	T("bedrock-api-key-", OF_BASE64, 60, 1000), T("CFPAT-", OF_URL, 43, 43), T("pscale_tkn_", OF_DOTTED, 32, 64),
	T("pscale_pw_", OF_DOTTED, 32, 64), T("pscale_oauth_", OF_DOTTED, 32, 64), T("sbp_", OF_HEX, 40, 40),
	T("sb_secret_", OF_URL, 30, 50), T("napi_", OF_LOWER, 60, 70), T("xau_", OF_ALNUM, 32, 64),
	T("Q~", OF_ANY, 31, 34, .back = OF_DOTTED, .back_min = 4, .back_max = 4),	/* Azure AD */
	F("bce-v3/ALTAK-", "a21/l40"), T("mdb_sa_sk_", OF_URL, 40, 40), F("akab-", "l16-l16"));

TOKEN_CLASS(class_google_api_key, "google_api_key", "Google API key", KEYS(K("googleapikey"), K("firebaseapikey"), K("mapskey"), W("apikey"), W("key")),
	T("AIza", OF_URL, 35, 35), T("AQ.Ab8", OF_URL, 44, 50, .says = 85));
TOKEN_CLASS(class_google_oauth, "google_oauth", "Google OAuth token or client secret", KEYS(K("clientsecret"), K("refreshtoken"), W("token")),
	T("ya29.", OF_DOTTED, 40, 500), T("GOCSPX-", OF_URL, 28, 28), T("1//0", OF_URL, 60, 110));
