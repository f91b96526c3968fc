#include "lib/tls_internal.h"

#include <string.h>

/*
 * What went wrong, for the person in front of a client: what happened, whose
 * side it is on, and what to do next.
 */

static const struct {
	int alert;
	enum sn_err err;
	const char *text; /* Behind "SERVER " */
} refusals[] = {
	{ SN_TLS_ALERT_CERTIFICATE_REQUIRED, SN_ECERT,
	    "asks for a certificate and got none; put your certificate and "
	    "key into the profile" },
	{ SN_TLS_ALERT_UNKNOWN_CA, SN_ECERT,
	    "does not trust the authority that issued your certificate; is "
	    "this the right server for it?" },
	{ SN_TLS_ALERT_CERTIFICATE_EXPIRED, SN_EEXPIRED,
	    "refused your certificate because its time is over (or the "
	    "server's revocation list is too old); ask your administrator "
	    "for a new one" },
	{ SN_TLS_ALERT_CERTIFICATE_REVOKED, SN_EREVOKED,
	    "refused your certificate: it was revoked; ask your "
	    "administrator for a new one" },
	{ SN_TLS_ALERT_UNSUPPORTED_CERTIFICATE, SN_ECERT,
	    "refused your certificate: it is not one for clients; the "
	    "server's log says what is missing" },
	{ SN_TLS_ALERT_BAD_CERTIFICATE, SN_ECERT,
	    "refused your certificate: something in it is not allowed; the "
	    "server's log says what" },
	{ SN_TLS_ALERT_CERTIFICATE_UNKNOWN, SN_ECERT,
	    "refused your certificate; the server's log says why" },
	{ SN_TLS_ALERT_ACCESS_DENIED, SN_ECERT,
	    "refused your certificate; the server's log says why" },
	{ SN_TLS_ALERT_NO_APPLICATION_PROTOCOL, SN_EPROTO,
	    "speaks TLS but not SicherNetz; check host and port" },
	{ SN_TLS_ALERT_PROTOCOL_VERSION, SN_EPROTO,
	    "does not speak TLS 1.3; check host and port" },
	{ SN_TLS_ALERT_HANDSHAKE_FAILURE, SN_EPROTO,
	    "found no way to speak TLS with this client; check host and "
	    "port" },
	{ SN_TLS_ALERT_INTERNAL_ERROR, SN_EPROTO,
	    "had a fault of its own; try again later, its log says more" },
};

static enum sn_err explain_alert(
    int alert, const char *server, struct sn_why *why)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		if (refusals[i].alert == alert)
			return (sn_why(why, refusals[i].err, "%s %s", server,
			    refusals[i].text));
	}
	return (sn_why(why, SN_EPROTO,
	    "%s ended the connection with the TLS alert %s (%d)", server,
	    sn_tls_alert_word(alert), alert));
}

static enum sn_err explain_server(
    int code, const char *server, struct sn_why *why)
{
	switch (code) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return (sn_why(why, SN_EDENIED,
		    "the server at %s has a certificate for another name; "
		    "nothing was sent to it (is the name in your profile the "
		    "one it was issued for?)",
		    server));
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return (sn_why(why, SN_EDENIED,
		    "the certificate of %s has expired; tell its operator (or "
		    "is this machine's clock wrong?)",
		    server));
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return (sn_why(why, SN_EDENIED,
		    "the certificate of %s is not valid yet; is this "
		    "machine's clock right?",
		    server));
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return (sn_why(why, SN_EDENIED,
		    "the certificate of %s was not issued by your authority; "
		    "this may be an impostor, nothing was sent to it",
		    server));
	case X509_V_ERR_INVALID_PURPOSE:
		return (sn_why(why, SN_EDENIED,
		    "the certificate of %s is not one of a server; this may "
		    "be an impostor, nothing was sent to it",
		    server));
	default:
		return (sn_why(why, SN_EDENIED,
		    "the certificate of %s is not acceptable: %s", server,
		    X509_verify_cert_error_string(code)));
	}
}

enum sn_err sn_tls_why(
    const struct sn_tls *tls, const char *server, struct sn_why *why)
{
	if (tls->verified != X509_V_OK)
		return (explain_server(tls->verified, server, why));
	if (tls->alert != SN_TLS_ALERT_NONE)
		return (explain_alert(tls->alert, server, why));
	if (tls->eof || tls->system != 0)
		return (
		    tls->system != 0
			? sn_why(why, SN_ECLOSED,
			      "the connection to %s broke: %s", server,
			      strerror(tls->system))
			: sn_why(why, SN_ECLOSED,
			      "%s ended the connection without a word; it may "
			      "be restarting, or not a SicherNetz server",
			      server));
	return (sn_why(why, SN_EPROTO,
	    "%s does not speak the TLS that this client speaks (%s); check "
	    "host and port",
	    server, sn_tls_reason(tls)));
}
