//! Names that people give: of waves and of devices.

/// Checks the name of a wave or of a device.
///
/// # Errors
/// The rule for names.
pub fn check_name(name: &str, max_chars: usize) -> Result<(), String> {
    let chars = name.chars().count();
    if (1..=max_chars).contains(&chars) && name.trim() == name && !name.chars().any(char::is_control) {
        return Ok(());
    }
    let rule = format!("a name has 1 to {max_chars} characters, no control characters among them");
    Err(format!("{rule}, and no space at its ends"))
}
