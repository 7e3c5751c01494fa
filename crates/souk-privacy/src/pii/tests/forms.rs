//! What has a form: right ones, and ones with a wrong check digit.

use super::*;

/// `KIND=text` of each form of a text at the threshold of prose.
fn forms(text: &str) -> Vec<String> {
    let found = Detector::builtin().forms(text, Reading::Prose);
    found.iter().map(|f| format!("{}={}", f.kind.as_str(), &text[f.range.clone()])).collect()
}

#[track_caller]
fn check(text: &str, want: &[&str]) {
    assert_eq!(forms(text), want, "{text}");
}

#[test]
fn mail_and_web() {
    check("write to a.b+c@mail.example.co.uk.", &["EMAIL=a.b+c@mail.example.co.uk"]);
    check("müller@exämple.de, ok", &["EMAIL=müller@exämple.de"]);
    check("meet @ noon, or a@b", &[]);
    check("see https://example.org/a?b=c#d).", &["URL=https://example.org/a?b=c#d"]);
    check("on www.example.com or shop-x.de/sale!", &["URL=www.example.com", "URL=shop-x.de/sale"]);
    check("It was good.The end of node.js 3.5", &[]);
}

#[test]
fn machines() {
    check("from 86.231.85.193, blocked", &["IP_ADDRESS=86.231.85.193"]);
    check("256.1.1.1 and 1.2.3.4.5", &[]);
    check("version 1.2.3.4", &[]);
    check("fe80::1ff:fe23:4567:890a up", &["IP_ADDRESS=fe80::1ff:fe23:4567:890a"]);
    check("mac 00:1B:44:11:3A:B7", &["MAC_ADDRESS=00:1B:44:11:3A:B7"]);
    check("std::vec::Vec", &[]);
}

#[test]
fn cards() {
    check("4111 1111 1111 1111", &["CREDIT_DEBIT_NUMBER=4111 1111 1111 1111"]);
    check("4111 1111 1111 1112", &[]);
    check("amex 378282246310005", &["CREDIT_DEBIT_NUMBER=378282246310005"]);
    check("EAN 4006381333931", &[]);
    check("my card cvv 123", &["CREDIT_DEBIT_CVV=123"]);
    check("card exp 12/27", &["CREDIT_DEBIT_EXPIRY=12/27"]);
}

#[test]
fn accounts() {
    let all = [
        "GB82 WEST 1234 5698 7654 32",
        "DE89370400440532013000",
        "NL91ABNA0417164300",
        "ES9121000418450200051332",
    ];
    for iban in all {
        check(iban, &[&format!("INTERNATIONAL_BANK_ACCOUNT_NUMBER={iban}")]);
    }
    check("GB82 WEST 1234 5698 7654 33", &[]);
    check("GB82WEST123456987654321", &[]);
    check("routing 021000021", &["BANK_ROUTING=021000021"]);
    check("routing 021000022", &[]);
}

#[test]
fn phones() {
    for phone in [
        "+1 (555) 234-5678",
        "+44 20 7946 0958",
        "(212) 555-0147",
        "555-234-5678",
        "06 12 34 56 78",
        "678-777-1600 x12",
    ] {
        check(&format!("ring {phone} now"), &[&format!("PHONE={phone}")]);
    }
    // As smaller countries write them, without a word beside.
    for phone in ["(88) 684-334", "23-45-67-89", "412 34 567", "60 123 45 67", "21 234 567 891"] {
        check(&format!("it was {phone}."), &[&format!("PHONE={phone}")]);
    }
    check("from 1990-1995, in 90210-1234, no. 1234-5678-9012", &[]);
    check("call 785 8949", &["PHONE=785 8949"]);
    check("100 200 3000", &[]);
    check("order 785 8949", &[]);
}

#[test]
fn numbers_of_states() {
    check("078-05-1120", &["SSN=078-05-1120"]);
    check("666-05-1120", &[]);
    check("912-71-1234", &["US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER=912-71-1234"]);
    check(
        "AB123456C and AB 12 34 56 C",
        &["UK_NATIONAL_INSURANCE_NUMBER=AB123456C", "UK_NATIONAL_INSURANCE_NUMBER=AB 12 34 56 C"],
    );
    check("GB123456C", &[]);
    check("NHS 943 476 5919", &["UK_NATIONAL_HEALTH_SERVICE_NUMBER=943 476 5919"]);
    check("social insurance 130 692 544", &["CA_SOCIAL_INSURANCE_NUMBER=130 692 544"]);
    check("12345678Z", &["ES_NIF=12345678Z"]);
    check("12345678A", &[]);
    check("X1234567L", &["ES_NIE=X1234567L"]);
    check("2 55 08 14 168 025 38", &["FR_NIR=2 55 08 14 168 025 38"]);
    check("255081416802539", &[]);
    check("steuer-id 86095742719", &["DE_TAX_ID=86095742719"]);
    check("steuer-id 86095742718", &[]);
    check("ausweis T220001293", &["DE_ID_CARD=T220001293"]);
    check("ausweis T220001294", &[]);
    check("RSSMRA85T10A562S", &["IT_FISCAL_CODE=RSSMRA85T10A562S"]);
    check("RSSMRA85T10A562T", &[]);
    check("aadhaar 2341 2341 2346", &["IN_AADHAAR=2341 2341 2346"]);
    check("aadhaar 2341 2341 2347", &[]);
    check("pan ABCPE1234F", &["IN_PERMANENT_ACCOUNT_NUMBER=ABCPE1234F"]);
    check("529.982.247-25", &["BR_CPF=529.982.247-25"]);
    check("529.982.247-26", &[]);
    check("bsn 111222333", &["NL_BSN=111222333"]);
    check("pesel 44051401359", &["PL_PESEL=44051401359"]);
    check("1M8GDM9AXKP042788", &["VEHICLE_IDENTIFICATION_NUMBER=1M8GDM9AXKP042788"]);
    check("1M8GDM9A1KP042788", &[]);
    check("my driver's license number is 425700624", &["DRIVER_ID=425700624"]);
    check("passport C01X00T47", &["PASSPORT_NUMBER=C01X00T47"]);
}

#[test]
fn times_and_ages() {
    for date in [
        "2007-03-23 18:43:36",
        "2/7/1961",
        "14.03.1985",
        "March 3, 1990",
        "3 de marzo de 1990",
        "3. März 1990",
        "3 juillet 1990",
    ] {
        check(&format!("on {date}!"), &[&format!("DATE_TIME={date}")]);
    }
    check("2 x 3.5 and 16/9", &[]);
    check("she is 34 years old", &["AGE=34 years old"]);
    check("tengo 67 años", &["AGE=67 años"]);
}
