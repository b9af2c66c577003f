//! The C interface of the structure-aware mutator: `include/roamproof_fuzz.h` says what it promises.
//!
//! Nothing is allocated for the caller, nothing is kept between calls, and no call of the same
//! arguments gives another result. A name that is no family's, and a pointer that is null, give zero.

use std::ffi::{CStr, c_char};
use std::slice;

use roamproof_mutator::{FAMILIES, Family};

/// How many families of messages there are.
#[expect(unsafe_code, reason = "C calls it by this name")]
#[unsafe(no_mangle)]
pub extern "C" fn roamproof_family_count() -> usize {
    FAMILIES.len()
}

/// Writes the name of a family into `name`, ended by a zero octet; returns its length without that,
/// zero where there is no such family or no room.
///
/// # Safety
///
/// `name` is null, or points to `max` octets that may be written.
#[expect(unsafe_code, reason = "C gives a pointer and a length")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roamproof_family_name(
    index: usize,
    name: *mut c_char,
    max: usize,
) -> usize {
    let Some(family) = FAMILIES.get(index) else { return 0 };
    let text = [family.name.as_bytes(), &[0]].concat();
    if text.len() > max {
        return 0;
    }
    // SAFETY: the caller's promise, passed on.
    match unsafe { writable(name.cast(), max) } {
        Some(room) => copy(&text, room) - 1,
        None => 0,
    }
}

/// Writes a right message of a family into `data`; returns its length.
///
/// # Safety
///
/// `family` is null or ends in a zero octet; `data` is null or points to `max` octets that may be
/// written.
#[expect(unsafe_code, reason = "C gives pointers and lengths")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roamproof_make(
    family: *const c_char,
    data: *mut u8,
    max: usize,
    seed: u32,
) -> usize {
    // SAFETY: the caller's promise, passed on.
    let (family, room) = unsafe { (called(family), writable(data, max)) };
    let (Some(family), Some(room)) = (family, room) else { return 0 };
    copy(&family.make(seed.into(), room.len()), room)
}

/// Turns the first `size` octets of `data` into a neighbour of at most `max_size`; returns its
/// length. This is what `LLVMFuzzerCustomMutator` wants.
///
/// # Safety
///
/// `family` is null or ends in a zero octet; `data` is null or points to as many octets as the greater of
/// `size` and `max_size`, that may be written.
#[expect(unsafe_code, reason = "C gives pointers and lengths")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roamproof_mutate(
    family: *const c_char,
    data: *mut u8,
    size: usize,
    max_size: usize,
    seed: u32,
) -> usize {
    // SAFETY: the caller's promise, passed on.
    let (family, room) = unsafe { (called(family), writable(data, size.max(max_size))) };
    let (Some(family), Some(room)) = (family, room) else { return 0 };
    let mut octets = room[..size].to_vec();
    family.mutate(&mut octets, max_size, seed.into());
    copy(&octets, room)
}

/// Joins the front of one message and the back of another, mended, into `data`; returns its length.
/// This is what `LLVMFuzzerCustomCrossOver` wants.
///
/// # Safety
///
/// `family` is null or ends in a zero octet; `one` and `other` are null or point to as many octets as said
/// beside them; `data` is null or points to `max` octets that may be written and are none of those.
#[expect(unsafe_code, reason = "C gives pointers and lengths")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roamproof_cross(
    family: *const c_char,
    one: *const u8,
    one_size: usize,
    other: *const u8,
    other_size: usize,
    data: *mut u8,
    max: usize,
    seed: u32,
) -> usize {
    // SAFETY: the caller's promise, passed on.
    let (family, room) = unsafe { (called(family), writable(data, max)) };
    // SAFETY: as above.
    let (one, other) = unsafe { (readable(one, one_size), readable(other, other_size)) };
    let (Some(family), Some(room)) = (family, room) else { return 0 };
    copy(&family.cross(one, other, room.len(), seed.into()), room)
}

/// Writes the dictionary of a family into `text`, lines of libFuzzer and AFL++, as far as there is room;
/// returns how many octets all of it has, so that a call with `max` zero asks for the room.
///
/// # Safety
///
/// `family` is null or ends in a zero octet; `text` is null or points to `max` octets that may be
/// written.
#[expect(unsafe_code, reason = "C gives pointers and lengths")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roamproof_dictionary(
    family: *const c_char,
    text: *mut c_char,
    max: usize,
) -> usize {
    // SAFETY: the caller's promise, passed on.
    let Some(family) = (unsafe { called(family) }) else { return 0 };
    let dictionary = family.dictionary();
    // SAFETY: as above.
    if let Some(room) = unsafe { writable(text.cast(), max) } {
        copy(dictionary.as_bytes(), room);
    }
    dictionary.len()
}

/// The family of this name.
///
/// # Safety
///
/// `name` is null or ends in a zero octet.
#[expect(unsafe_code, reason = "C gives a pointer")]
unsafe fn called(name: *const c_char) -> Option<&'static Family> {
    if name.is_null() {
        return None;
    }
    // SAFETY: not null, and the caller promises that it ends.
    let name = unsafe { CStr::from_ptr(name) };
    Family::called(name.to_str().ok()?)
}

/// # Safety
///
/// `data` is null or points to `size` octets that may be written by nobody else meanwhile.
#[expect(unsafe_code, reason = "C gives a pointer and a length")]
unsafe fn writable<'a>(data: *mut u8, size: usize) -> Option<&'a mut [u8]> {
    // SAFETY: not null, and the caller's promise.
    (!data.is_null()).then(|| unsafe { slice::from_raw_parts_mut(data, size) })
}

/// # Safety
///
/// `data` is null or points to `size` octets that nobody writes meanwhile.
#[expect(unsafe_code, reason = "C gives a pointer and a length")]
unsafe fn readable<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if data.is_null() {
        return &[];
    }
    // SAFETY: not null, and the caller's promise.
    unsafe { slice::from_raw_parts(data, size) }
}

/// Copies as much as there is room for; returns how much.
fn copy(octets: &[u8], room: &mut [u8]) -> usize {
    let length = octets.len().min(room.len());
    room[..length].copy_from_slice(&octets[..length]);
    length
}

#[cfg(test)]
#[expect(unsafe_code, reason = "these are the calls that C makes")]
mod tests {
    use super::*;
    use std::ptr;

    #[test]
    fn every_family_can_be_asked_for() {
        let mut name = [0_u8; 32];
        for (index, family) in FAMILIES.iter().enumerate() {
            // SAFETY: the lengths are those of the arrays.
            let length =
                unsafe { roamproof_family_name(index, name.as_mut_ptr().cast(), name.len()) };
            assert_eq!(&name[..length], family.name.as_bytes());
            let mut data = [0_u8; 4096];
            // SAFETY: the name was ended by a zero octet, and the lengths are those of the arrays.
            let made = unsafe { roamproof_make(name.as_ptr().cast(), data.as_mut_ptr(), 4096, 5) };
            assert_eq!(data[..made], family.make(5, 4096));
            // SAFETY: as above.
            let size =
                unsafe { roamproof_mutate(name.as_ptr().cast(), data.as_mut_ptr(), made, 4096, 6) };
            let mut same = family.make(5, 4096);
            family.mutate(&mut same, 4096, 6);
            assert_eq!(data[..size], same);
            // SAFETY: no room is asked to be written.
            let wanted = unsafe { roamproof_dictionary(name.as_ptr().cast(), ptr::null_mut(), 0) };
            assert_eq!(wanted, family.dictionary().len());
        }
        assert_eq!(roamproof_family_count(), FAMILIES.len());
    }

    #[test]
    fn null_and_unknown_names_give_nothing() {
        let mut data = [1_u8; 8];
        let unknown = c"telepathy".as_ptr();
        // SAFETY: null is allowed, and the lengths are those of the arrays.
        unsafe {
            assert_eq!(roamproof_mutate(ptr::null(), data.as_mut_ptr(), 8, 8, 1), 0);
            assert_eq!(roamproof_mutate(unknown, data.as_mut_ptr(), 8, 8, 1), 0);
            assert_eq!(roamproof_make(c"sip".as_ptr(), ptr::null_mut(), 8, 1), 0);
            assert_eq!(roamproof_family_name(99, data.as_mut_ptr().cast(), 8), 0);
            assert_eq!(roamproof_family_name(0, data.as_mut_ptr().cast(), 3), 0);
        }
        assert_eq!(data, [1; 8], "nothing was written");
    }

    #[test]
    fn two_messages_are_crossed() {
        let (one, other) = (FAMILIES[0].make(1, 200), FAMILIES[0].make(2, 200));
        let mut data = [0_u8; 200];
        // SAFETY: the lengths are those of the arrays.
        let size = unsafe {
            roamproof_cross(
                c"mobility".as_ptr(),
                one.as_ptr(),
                one.len(),
                other.as_ptr(),
                other.len(),
                data.as_mut_ptr(),
                data.len(),
                9,
            )
        };
        assert_eq!(data[..size], FAMILIES[0].cross(&one, &other, 200, 9));
    }
}
