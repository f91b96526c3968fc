#ifndef CA_FAULT_H
#define CA_FAULT_H

/**
 * fault_guard():
 * The inventory is mapped, so damage can fault the process: say so and end
 * it with the status for damaged books, rather than with a bare signal.
 */
void fault_guard(void);

#endif
