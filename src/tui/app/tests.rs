use crate::tui::sample;
#[test]
fn look() {
    let mut h = sample::headless(sample::FULL, (120, 30));
    println!("{}", h.frame());
    h.press("tab l j");
    println!("{}", h.frame());
    h.press("2");
    println!("{}", h.frame());
    h.press(":");
    println!("{}", h.frame());
    h.press("esc ?");
    println!("{}", h.frame());
}
