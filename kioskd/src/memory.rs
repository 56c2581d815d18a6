//! How the C library's allocator keeps memory.

use nix::libc;

/// From this size on a block is a mapping of its own, which goes back to the system when it is freed.
const MAPPED_FROM_BYTES: libc::c_int = 128 * 1024;

/// Lets freed pictures go back to the system at once.
///
/// By itself glibc raises the size from which a block is a mapping of its own as soon as one is freed, so that
/// pictures end up between small blocks; and it makes a heap for every thread. After a day of orders that kept almost
/// as much as was in use.
pub fn return_what_is_freed() {
    #[cfg(target_env = "gnu")]
    for (parameter, value) in [(libc::M_MMAP_THRESHOLD, MAPPED_FROM_BYTES), (libc::M_ARENA_MAX, 1)] {
        #[expect(unsafe_code, reason = "the only way to the allocator's parameters")]
        // SAFETY: mallopt(3) takes two numbers and may be called at any time; a value that it refuses changes nothing.
        let accepted = unsafe { libc::mallopt(parameter, value) };
        debug_assert_eq!(accepted, 1, "mallopt refused {parameter}");
    }
}
