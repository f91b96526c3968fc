#include "server/parent/latch.h"

#include <sys/mman.h>

#include "lib/log.h"

static enum sn_err make(atomic_int **out, struct sn_why *why)
{
	*out = mmap(NULL, sizeof(**out), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (*out == MAP_FAILED)
		return (sn_why_errno(why, SN_ENOMEM, "no memory to start"));
	atomic_init(*out, 0);
	return (SN_OK);
}

enum sn_err latch_make(struct latch *latch, struct sn_why *why)
{
	enum sn_err err;

	if ((err = make(&latch->net, why)) != SN_OK)
		return (err);
	return (make(&latch->keeper, why));
}

void latch_hide_keeper(struct latch *latch)
{
	(void)munmap(latch->keeper, sizeof(*latch->keeper));
	latch->keeper = NULL;
}

bool latch_is_set(const struct latch *latch)
{
	return (
	    atomic_load(latch->net) != 0 || atomic_load(latch->keeper) != 0);
}

/* Until somebody has looked at the disk and starts the server again. */
void latch_tell(struct latch *latch)
{
	if (latch->told || !latch_is_set(latch))
		return;
	latch->told = true;
	sn_log(SN_ALARM, "store.reading_only",
	    "what=\"the disk failed; the database is only read until sicherd "
	    "is restarted: look at the disk first\"");
}
