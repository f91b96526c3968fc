#include "lib/tls_alert.h"

#include <stddef.h>

static const struct {
	int alert;
	const char *word;
} words[] = {
	{ SN_TLS_ALERT_NONE, "none" },
	{ SN_TLS_ALERT_CLOSE_NOTIFY, "close_notify" },
	{ SN_TLS_ALERT_UNEXPECTED_MESSAGE, "unexpected_message" },
	{ SN_TLS_ALERT_BAD_RECORD_MAC, "bad_record_mac" },
	{ SN_TLS_ALERT_RECORD_OVERFLOW, "record_overflow" },
	{ SN_TLS_ALERT_HANDSHAKE_FAILURE, "handshake_failure" },
	{ SN_TLS_ALERT_BAD_CERTIFICATE, "bad_certificate" },
	{ SN_TLS_ALERT_UNSUPPORTED_CERTIFICATE, "unsupported_certificate" },
	{ SN_TLS_ALERT_CERTIFICATE_REVOKED, "certificate_revoked" },
	{ SN_TLS_ALERT_CERTIFICATE_EXPIRED, "certificate_expired" },
	{ SN_TLS_ALERT_CERTIFICATE_UNKNOWN, "certificate_unknown" },
	{ SN_TLS_ALERT_ILLEGAL_PARAMETER, "illegal_parameter" },
	{ SN_TLS_ALERT_UNKNOWN_CA, "unknown_ca" },
	{ SN_TLS_ALERT_ACCESS_DENIED, "access_denied" },
	{ SN_TLS_ALERT_DECODE_ERROR, "decode_error" },
	{ SN_TLS_ALERT_DECRYPT_ERROR, "decrypt_error" },
	{ SN_TLS_ALERT_PROTOCOL_VERSION, "protocol_version" },
	{ SN_TLS_ALERT_INTERNAL_ERROR, "internal_error" },
	{ SN_TLS_ALERT_MISSING_EXTENSION, "missing_extension" },
	{ SN_TLS_ALERT_CERTIFICATE_REQUIRED, "certificate_required" },
	{ SN_TLS_ALERT_NO_APPLICATION_PROTOCOL, "no_application_protocol" },
};

const char *sn_tls_alert_word(int alert)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (words[i].alert == alert)
			return (words[i].word);
	}
	return ("an alert unknown here");
}
