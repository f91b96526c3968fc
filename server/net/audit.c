#include "server/net/audit.h"

#include <string.h>

#include "server/net/loop.h"
#include "server/net/sess.h"

#define QUOTED (SN_CERT_NAME + 64)

static void line(const struct sess *s, enum sn_level level, const char *event,
    const char *reason, unsigned withheld)
{
	static const struct gate_peer nobody;
	const struct gate_peer *p = s->peer != NULL ? s->peer : &nobody;
	char subject[QUOTED], issuer[QUOTED], device[QUOTED];

	sn_log(level, event,
	    "sess=%llu account=\"%s\" device=%s subject=%s serial=%s "
	    "issuer=%s address=\"%s\" reason=\"%s\" withheld=%u",
	    (unsigned long long)s->id, s->account_name,
	    sn_log_quote(device, sizeof(device), p->label, strlen(p->label)),
	    sn_log_quote(
		subject, sizeof(subject), p->subject, strlen(p->subject)),
	    p->serial[0] != '\0' ? p->serial : "-",
	    sn_log_quote(issuer, sizeof(issuer), p->issuer, strlen(p->issuer)),
	    s->address, reason, withheld);
}

void audit(const struct sess *s, enum sn_level level, const char *event,
    const char *reason)
{
	line(s, level, event, reason, 0);
}

void audit_limited(const struct sess *s, const char *event, const char *reason)
{
	unsigned withheld;

	if (sn_log_allow(&s->loop->refusals, &withheld))
		line(s, SN_NOTICE, event, reason, withheld);
}
