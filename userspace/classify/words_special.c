/* SPDX-License-Identifier: Apache-2.0 */
/* words_special.c - special categories (GDPR article 9) and health facts, by the names of fields. */
#include <string.h>

#include "classify/words.h"

static bool is_term(struct slice v)
{
	size_t letters = 0;

	for (size_t i = 0; i < v.len; i++) {
		letters += is_alpha(v.ptr[i]) || v.ptr[i] >= 0x80;
		if (v.ptr[i] == '_' || v.ptr[i] == '@' || v.ptr[i] == '=')
			return false;
	}
	return letters >= 3 && letters * 2 >= v.len;
}

WORD_CLASS(class_nationality, "nationality", GROUP_SPECIAL, "nationality of a person",
	KEYS(K("nationality"), K("citizenship"), K("countryofbirth"), K("birthcountry"), K("staatsangehoerigkeit"),
	     K("staatsangehörigkeit"), K("nationalitaet"), K("nationalität"), K("nationalite"), K("nationalité"), K("nacionalidad"),
	     K("ciudadania"), K("nazionalita"), K("nazionalità"), K("cittadinanza"), K("nacionalidade"), K("nationaliteit"),
	     K("narodowosc"), K("narodowość"), K("obywatelstwo"), K("nationalitycode"), K("citizenshipcountry"),
	     K("countryofcitizenship")),
	NULL, .ok = is_letters, .min = 2, .max = 60, .says = 32);

WORD_CLASS(class_ethnicity, "ethnicity", GROUP_SPECIAL, "ethnic origin of a person",
	KEYS(K("ethnicity"), K("race"), K("ethnicgroup"), K("ethnicorigin"), K("racialorigin"), K("ethnie"), K("etnia"),
	     K("ethnischeherkunft"), K("raza"), K("origineethnique"), K("raca"), K("raça"), K("etniciteit"), K("pochodzenieetniczne"),
	     K("ethnicbackground"), K("racialbackground"), K("raceethnicity")),
	WORDS("-condition", "-time", "-id", "-number", "-date"), .ok = is_term, .min = 4, .max = 60, .says = 32);

WORD_CLASS(class_religion, "religion", GROUP_SPECIAL, "religion of a person",
	KEYS(K("religion"), K("religiousaffiliation"), K("faith"), K("denomination"), K("konfession"), K("religionszugehoerigkeit"),
	     K("religionszugehörigkeit"), K("religione"), K("religiao"), K("religião"), K("geloof"), K("religia"), K("wyznanie"),
	     K("religión"), K("religiousbelief"), K("religiousbeliefs"), K("religiouspreference")),
	NULL, .ok = is_term, .min = 3, .max = 50, .says = 32);

WORD_CLASS(class_political_opinion, "political_opinion", GROUP_SPECIAL, "political opinion or membership",
	KEYS(K("politicalopinion"), K("politicalaffiliation"), K("politicalparty"), K("partyaffiliation"), K("politicalviews"), K("partei"),
	     K("parteizugehoerigkeit"), K("politischemeinung"), K("opinionpolitique"), K("partipolitique"), K("partidopolitico"),
	     K("afiliacionpolitica"), K("partitopolitico"), K("politiekevoorkeur"), K("pogladypolityczne"), K("voterparty"),
	     K("politicalbelief"), K("politicalbeliefs"), K("politicalleaning"), K("politicalview"), K("partymembership"),
	     K("partyregistration")),
	NULL, .ok = is_term, .min = 3, .max = 60, .says = 32);

WORD_CLASS(class_union_membership, "union_membership", GROUP_SPECIAL, "trade union membership",
	KEYS(K("unionmembership"), K("tradeunion"), K("laborunion"), K("labourunion"), K("unionname"), K("gewerkschaft"), K("syndicat"),
	     K("sindicato"), K("sindacato"), K("vakbond"), K("zwiazekzawodowy"), K("unionlocal"), K("unionmember"), K("tradeunionmember"),
	     K("tradeunionmembership"), K("unionaffiliation"), K("tradeunionname")),
	NULL, .ok = is_term, .min = 3, .max = 60, .says = 32);

WORD_CLASS(class_sexual_orientation, "sexual_orientation", GROUP_SPECIAL, "sexual orientation",
	KEYS(K("sexualorientation"), K("sexualpreference"), K("sexualitaet"), K("sexuelleorientierung"), K("orientationsexuelle"),
	     K("orientacionsexual"), K("orientamentosessuale"), K("orientacaosexual"), K("seksuelegeaardheid"), K("orientacjaseksualna"),
	     K("sexuality"), K("sexualidentity")),
	NULL, .ok = is_term, .min = 3, .max = 40, .says = 35);

static bool is_template_data(struct slice v)
{
	for (size_t i = 0; i < v.len; i++)
		if (!is_base64(v.ptr[i]) && v.ptr[i] != '=')
			return false;
	return true;
}

WORD_CLASS(class_biometric, "biometric", GROUP_SPECIAL, "biometric template",
	KEYS(K("biometric"), K("biometrics"), K("fingerprinttemplate"), K("facetemplate"), K("faceembedding"), K("voiceprint"),
	     K("irisscan"), K("retinascan"), K("fingerprintdata"), K("facialtemplate"), K("biometrictemplate"), K("iristemplate"),
	     K("biometricdata"), K("faceprint"), K("fingerprintimage"), K("facevector"), K("facedescriptor"), K("faceencoding"),
	     K("facialembedding"), K("irisdata"), K("palmprint")),
	NULL, .ok = is_template_data, .min = 16, .max = 255, .says = 35);

/* ---- health */

static bool is_record_number(struct slice v)
{
	size_t digits = 0;

	for (size_t i = 0; i < v.len; i++) {
		if (!is_alnum(v.ptr[i]) && v.ptr[i] != '-' && v.ptr[i] != '/')
			return false;
		digits += is_digit(v.ptr[i]);
	}
	return digits >= 4;
}

WORD_CLASS(class_medical_record_number, "medical_record_number", GROUP_PHI, "medical record number",
	KEYS(K("mrn"), K("medicalrecordnumber"), K("medicalrecord"), K("medicalrecordno"), K("patientid"), K("patientnumber"),
	     K("patientmrn"), K("patientno"), K("chartnumber"), K("patientennummer"), K("patientenid"), K("numeropatient"),
	     K("numerodehistoria"), K("historiaclinica"), K("cartellaclinica"), K("numeroprontuario"), K("prontuario"), K("patientnummer"),
	     K("numerpacjenta"), K("medicalrecordnum"), K("medrecno"), K("medicalrecordid"), K("healthrecordnumber"), K("hospitalnumber"),
	     K("patientidentifier")),
	NULL, .ok = is_record_number, .min = 4, .max = 24, .says = 30);

WORD_CLASS(class_diagnosis, "diagnosis", GROUP_PHI, "diagnosis or condition of a patient",
	KEYS(K("diagnosis"), K("diagnoses"), K("medicalcondition"), K("healthcondition"), K("primarydiagnosis"), K("diagnose"),
	     K("diagnostic"), K("diagnostico"), K("diagnóstico"), K("diagnosi"), K("diagnoza"), K("comorbidities"), K("chiefcomplaint"),
	     K("symptoms"), K("disease"), K("illness"), K("medicalhistory"), K("krankheit"), K("vorerkrankung"), K("maladie"),
	     K("enfermedad"), K("malattia"), K("doenca"), K("doença"), K("ziekte"), K("choroba"), K("chroniccondition"), K("healthissue"),
	     K("medicalissue"), K("preexistingcondition"), K("clinicalimpression"), K("diagnosisdescription"), K("diagnosisname"),
	     K("conditionname")),
	WORDS("-code", "-codes", "-id", "-date", "system", "server", "network", "log", "error", "-message", "-report"),
	.ok = is_term, .min = 3, .max = 200, .says = 32);

WORD_CLASS(class_medication, "medication", GROUP_PHI, "medication of a patient",
	KEYS(K("medication"), K("medications"), K("prescription"), K("drugname"), K("medicine"), K("medicationname"),
	     K("currentmedication"), K("medikament"), K("medikation"), K("medicament"), K("médicament"), K("medicamento"), K("medicamento"),
	     K("farmaco"), K("medicatie"), K("lek"), K("medicacion"), K("medicación"), K("rxname"), K("prescribeddrug"),
	     K("medicationcodeableconcept"), K("medicationlist"), K("meds"), K("prescriptiondrug"), K("prescriptionname"),
	     K("drugdescription")),
	WORDS("-id", "-code", "-number", "-date", "-count"), .ok = is_term, .min = 3, .max = 120, .says = 32);

WORD_CLASS(class_allergy, "allergy", GROUP_PHI, "allergy of a patient",
	KEYS(K("allergy"), K("allergies"), K("allergen"), K("allergens"), K("drugallergies"), K("allergie"), K("allergien"), K("alergia"),
	     K("alergias"), K("allergia"), K("allergieen"), K("alergie"), K("foodallergy"), K("allergylist"), K("allergydescription"),
	     K("allergicto")),
	WORDS("-id", "-code", "-date", "product", "recipe", "menu"), .ok = is_term, .min = 3, .max = 120, .says = 32);

WORD_CLASS(class_blood_type, "blood_type", GROUP_PHI, "blood group",
	KEYS(K("bloodtype"), K("bloodgroup"), K("blutgruppe"), K("groupesanguin"), K("gruposanguineo"), K("grupposanguigno"),
	     K("tiposanguineo"), K("bloedgroep"), K("grupakrwi"), K("bloodgrp"), K("bloodrh")),
	NULL, .words = WORDS("a+", "a-", "b+", "b-", "ab+", "ab-", "o+", "o-", "0+", "0-", "a", "b", "ab", "o", "a pos", "a neg", "b pos", "b neg",
			     "ab pos", "ab neg", "o pos", "o neg", "a rh+", "a rh-", "b rh+", "o rh+", "o rh-", "0 rh+"),
	.min = 1, .max = 8, .says = 40);

static bool is_member_id(struct slice v)
{
	size_t digits = 0;

	for (size_t i = 0; i < v.len; i++) {
		if (!is_alnum(v.ptr[i]) && v.ptr[i] != '-' && v.ptr[i] != ' ')
			return false;
		digits += is_digit(v.ptr[i]);
	}
	return digits >= 5;
}

WORD_CLASS(class_health_insurance_id, "health_insurance_id", GROUP_PHI, "number of a health insurance",
	KEYS(K("healthinsuranceid"), K("healthinsurancenumber"), K("insurancememberid"), K("insuranceid"), K("healthplanid"),
	     K("insurancepolicynumber"), K("healthplanmemberid"), K("subscriberid"), K("healthpolicynumber"), K("insurancenumber"),
	     K("insurancemembernumber"), K("healthinsurancememberid"), K("insurancepolicyno"), K("medicaidid"), K("medicaidnumber"),
	     K("insurancecardnumber"), K("planmemberid")),
	WORDS("social", "national", "car", "vehicle", "travel"), .ok = is_member_id, .min = 6, .max = 24, .says = 28);
