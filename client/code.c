#include "client/code.h"

#include <string.h>
#include <sysexits.h>

#include "client/safe.h"

/* clang-format off */
static const struct code codes[] = {
	{ "auth-failed", SN_EAUTH, EX_NOPERM, false,
	    "the password was not accepted; nobody is told more than that. "
	    "After a wrong one the right one is refused for a while, too: "
	    "wait, and try again. If you forgot it, an administrator can "
	    "give you a new one-time secret" },
	{ "no-account", SN_ENOACCOUNT, EX_NOPERM, false,
	    "your certificate opens no account on this server; ask your "
	    "administrator to add one (sicherctl account add)" },
	{ "disabled", SN_EDISABLED, EX_NOPERM, false,
	    "your account is disabled; ask your administrator" },
	{ "revoked", SN_EREVOKED, EX_NOPERM, false,
	    "this device's certificate was revoked, so its session is "
	    "closed; ask your administrator for a new certificate" },
	{ "expired", SN_EEXPIRED, EX_NOPERM, false,
	    "this device's certificate has expired; ask your administrator "
	    "for a new one" },
	{ "kicked", SN_EDENIED, EX_NOPERM, false,
	    "an administrator ended this session" },
	{ "password-reset", SN_EAUTH, EX_NOPERM, false,
	    "an administrator reset your password; log in with the one-time "
	    "secret they give you" },
	{ "takeover", SN_EINUSE, EX_UNAVAILABLE, false,
	    "another session of this device took over" },
	{ "in-use", SN_EINUSE, EX_UNAVAILABLE, false,
	    "another session of this device is listening already; end it, "
	    "use --takeover, or listen under another name with --consumer" },
	{ "going-away", SN_EBUSY, EX_TEMPFAIL, true,
	    "the server stops or restarts; try again in a moment" },
	{ "timeout", SN_ETIMEOUT, EX_TEMPFAIL, true,
	    "the server heard nothing for too long and ended the session; "
	    "try again" },
	{ "internal", SN_EIO, EX_TEMPFAIL, true,
	    "the server had a fault of its own, which its log describes; try "
	    "again later" },
	{ "busy", SN_EBUSY, EX_TEMPFAIL, true,
	    "the server is busy; try again in a moment" },
	{ "rate", SN_EBUSY, EX_TEMPFAIL, true,
	    "too much at once for this server; try again more slowly" },
	{ "full", SN_ESTOREFULL, EX_TEMPFAIL, true,
	    "the server cannot store messages at the moment (its disk may be "
	    "full); nothing was stored, try again later and tell its "
	    "operator" },
	{ "limit", SN_ELIMIT, EX_UNAVAILABLE, false,
	    "a limit of the server is reached" },
	{ "weak-password", SN_EINVAL, EX_DATAERR, false,
	    "the new password is too short: 8 bytes or more" },
	{ "unknown-target", SN_ENOTFOUND, EX_NOUSER, false,
	    "there is no such account, or no such room that you are in" },
	{ "exists", SN_EEXISTS, EX_CANTCREAT, false,
	    "a room of that name exists already" },
	{ "denied", SN_EDENIED, EX_NOPERM, false,
	    "you are not permitted to do that (in rooms: only owners are)" },
	{ "token-refused", SN_EAUTH, EX_NOPERM, true,
	    "the server asks for the password again" },
	{ "version", SN_EPROTO, EX_PROTOCOL, false,
	    "the server speaks no version of the protocol that this client "
	    "speaks; one of the two needs an update" },
	{ "bad-frame", SN_EPROTO, EX_PROTOCOL, false,
	    "the server did not understand this client" },
	{ "bad-state", SN_EPROTO, EX_PROTOCOL, false,
	    "the server did not expect this of the client" },
	{ "unknown-frame", SN_EPROTO, EX_PROTOCOL, false,
	    "the server is older than this client and cannot do that" },
	{ "too-big", SN_ETOOBIG, EX_PROTOCOL, false,
	    "that was longer than the server allows" },
};
/* clang-format on */

static const struct code unknown = { "", SN_EPROTO, EX_PROTOCOL, false, NULL };

const struct code *code_find(struct sn_bytes code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		if (sn_bytes_equal(code, sn_bytes_of(codes[i].code)))
			return (&codes[i]);
	}
	return (&unknown);
}

enum sn_err code_why(
    struct sn_bytes code, struct sn_bytes text, struct sn_why *why)
{
	const struct code *c = code_find(code);
	char word[64], more[400];

	/* Which limit it was only the server's text says. */
	if (c->text != NULL && (c->err != SN_ELIMIT || text.n == 0))
		return (sn_why(why, c->err, "%s", c->text));
	return (sn_why(why, c->err, "the server says: %s (%s)",
	    safe_line(text, more, sizeof(more)),
	    safe_line(code, word, sizeof(word))));
}

static int status_of(enum sn_err err)
{
	switch (err) {
	case SN_OK:
		return (EX_OK);
	case SN_EAGAIN:
	case SN_EFULL:
	case SN_EBUSY:
	case SN_ETIMEOUT:
		return (EX_TEMPFAIL);
	case SN_ENOMEM:
		return (EX_OSERR);
	case SN_EIO:
	case SN_ESTORE:
	case SN_ESTOREFULL:
		return (EX_IOERR);
	case SN_ECRYPTO:
	case SN_EBUG:
		return (EX_SOFTWARE);
	case SN_ECONF:
	case SN_EMODE:
	case SN_EPASSPHRASE:
		return (EX_CONFIG);
	case SN_ECLOSED:
	case SN_EINUSE:
	case SN_ELIMIT:
		return (EX_UNAVAILABLE);
	case SN_ECERT:
	case SN_EREVOKED:
	case SN_EEXPIRED:
	case SN_ENOACCOUNT:
	case SN_EDISABLED:
	case SN_EAUTH:
	case SN_EDENIED:
		return (EX_NOPERM);
	case SN_EINVAL:
		return (EX_USAGE);
	case SN_ETOOBIG:
	case SN_EEXISTS:
		return (EX_DATAERR);
	case SN_ENOTFOUND:
		return (EX_NOINPUT);
	case SN_ECORRUPT:
	case SN_ENEWER:
	case SN_EPROTO:
	case SN_ERR_COUNT:
		break;
	}
	return (EX_PROTOCOL);
}

int code_status(const char *code, enum sn_err err)
{
	if (code[0] != '\0')
		return (code_find(sn_bytes_of(code))->status);
	return (status_of(err));
}
