use super::*;

#[test]
fn each_kind_has_one_status_and_one_exit_code() {
    let statuses = ErrorKind::ALL.map(ErrorKind::http_status);
    assert_eq!(statuses, [422, 404, 409, 401, 403, 429, 503, 503, 507, 500]);
    let exits = ErrorKind::ALL.map(ErrorKind::exit_code);
    assert_eq!(exits, [2, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn only_what_passes_by_itself_may_be_tried_again() {
    for kind in ErrorKind::ALL {
        let passes = matches!(kind.http_status(), 429 | 503 | 507);
        assert_eq!(kind.is_retryable(), passes, "{kind:?}");
    }
}
