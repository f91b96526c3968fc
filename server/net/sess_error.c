#include "server/net/sess_error.h"

#include "lib/log.h"
#include "server/net/sess.h"

void sess_error_retry(struct sess *s, const uint64_t *ref, const char *code,
    const char *text, uint64_t retry_ms)
{
	struct sn_frame_error f = {
		.code = sn_bytes_of(code),
		.text = sn_bytes_of(text),
		.retry_ms = { retry_ms != 0, retry_ms },
	};
	struct sn_wr w = sess_put(s, 512);

	if (ref != NULL)
		f.ref = (struct sn_maybe){ true, *ref };
	sn_frame_put_error(&w, &f);
	sess_put_end(s, &w);
}

void sess_error(
    struct sess *s, const uint64_t *ref, const char *code, const char *text)
{
	sess_error_retry(s, ref, code, text, 0);
}

void sess_error_of(struct sess *s, uint64_t ref, enum sn_err err)
{
	switch (err) {
	case SN_ENOTFOUND:
		sess_error(s, &ref, "unknown-target",
		    "there is no such account or room for you");
		break;
	case SN_EEXISTS:
		sess_error(s, &ref, "exists", "that exists already");
		break;
	case SN_EDENIED:
		sess_error(s, &ref, "denied", "you may not do that");
		break;
	case SN_ELIMIT:
		sess_error(
		    s, &ref, "limit", "a limit of the server is reached");
		break;
	case SN_EINUSE:
		sess_error(s, &ref, "in-use",
		    "another session of this device uses this consumer");
		break;
	case SN_EINVAL:
		sess_error(s, &ref, "bad-frame", "a field is out of its range");
		break;
	case SN_EFULL:
		sess_error_retry(
		    s, &ref, "busy", "too much is waiting to be stored", 1000);
		break;
	case SN_ESTOREFULL:
	case SN_ESTORE:
		sess_error(s, &ref, "full",
		    "the server cannot store at the moment; nothing of this "
		    "was kept");
		break;
	default:
		sn_log(SN_WARN, "request.failed", "sess=%llu error=%s",
		    (unsigned long long)s->id, sn_err_name(err));
		sess_error(
		    s, &ref, "internal", "the server failed; its log says why");
		break;
	}
}
