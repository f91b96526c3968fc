#include "ca/fault.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "ca/status.h"

/* Only what may be called in a handler. */
static void faulted(int number)
{
	static const char text[] =
	    "sicher-ca: the inventory is damaged and faulted while it was "
	    "read; run sicher-ca check\n";

	(void)number;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(STATUS_FAILED);
	_exit(STATUS_INTEGRITY);
}

void fault_guard(void)
{
	struct sigaction action = { .sa_handler = faulted };

	(void)sigaction(SIGBUS, &action, NULL);
	(void)sigaction(SIGFPE, &action, NULL);
#ifndef SN_TEST_BUILD
	/* In test builds these are a sanitizer's. */
	(void)sigaction(SIGSEGV, &action, NULL);
	(void)sigaction(SIGABRT, &action, NULL);
#endif
}
