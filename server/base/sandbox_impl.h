#ifndef SERVER_BASE_SANDBOX_IMPL_H
#define SERVER_BASE_SANDBOX_IMPL_H

/* Sanitizers read /proc, start programs, and use system calls of their own:
 * under them there is no sandbox to speak of. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

#endif
