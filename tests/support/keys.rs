//! The test key in other forms, and a key that is too short.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::jwt::KEY;

/// The key of 2,048 bits as PEM, PKCS#8.
pub(crate) fn pkcs8() -> String {
    KEY.to_owned()
}

/// Its bytes in base64.
pub(crate) fn base64() -> String {
    let lines = KEY.lines().filter(|line| !line.starts_with('-'));
    lines.collect()
}

fn bytes() -> Vec<u8> {
    STANDARD.decode(base64()).expect("base64")
}

/// The same key as PEM, PKCS#1.
pub(crate) fn pkcs1() -> String {
    let bytes = bytes();
    // What stands before the key in PKCS#8: its length, the version, the algorithm, an octet string.
    pem("RSA PRIVATE KEY", &STANDARD.encode(&bytes[26..]))
}

/// A key of 1,024 bits as PEM, PKCS#8.
pub(crate) fn short() -> String {
    pem("PRIVATE KEY", RSA_1024)
}

/// The public half of the key of 2,048 bits, as `ring` takes it (PKCS#1).
pub(crate) fn public() -> Vec<u8> {
    let pair = ring::rsa::KeyPair::from_pkcs8(&bytes()).expect("a key");
    pair.public().as_ref().to_vec()
}

/// Bytes in base64 under a label (RFC 7468).
pub(crate) fn pem(label: &str, base64: &str) -> String {
    let lines: Vec<String> = base64
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let lines = lines.join("\n");
    format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
}

#[rustfmt::skip]
const RSA_1024: &str = "\
MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBAKr9ZJuySQ0Da8ySG8ZJjG/+6WvgVe6gPO7sHKWCG6pZn29Ykaijnfk5osNW0e\
LzrwLRakF8A3NOw8AmAYaRFIGufiXaaJ56LZ/DK2jmjwlfqikznZWbpFLGQral+GJqohxM5YA7fC4AAiZ9lC3h5uUWqj95hMgBrb/R1LMusZJJ\
AgMBAAECgYBT9vZOlm/U2hc3b5AAAOHbpTuOY60O7tS9JmiyxX88WaI3FTEBtMbAOZM5hQqv/aW1Joyc937iQo1Rb9hT8i406jjofggi7ou5Ss\
tVki/EQaTPA+AF7/o46fcP5cYCQENRuJkwMjiHKHDv9bsAmpBb8O/R2wu7Ebz26azan0d9YQJBAOAoL5mPwybSYm/glgBzPZ3bDI5Kq7X8qd5F\
ZkctZIk+qX1TU1GKAm0iPGaAYMdoYSGJ6mm+6SNJOwqXKo9uFT0CQQDDR7OJiFzjJDGkxpzjzpViDp4Qc0ZtRC+40Wefk8UEhSUcAkykYkH3dD\
AaRHtM2ycNMwUHpX5p3wA3EfiXnDn9AkEAw0r/vaB8+/PMA4D970J36nIQDGCOHa4WKSr5owWvU8ueSywvqRi+aGqtiPhMWS9dgKTx8FN+N1nz\
8JQnZnMYWQJBAIcOuf8uzn9R8vuxWaS8pdhRn8Rk1ZqQhCjguzhErQg5RbcfZ/5w7orEUth38IbxMwsP9DSboth6IN31kebZZ8kCQQDRts+HSN\
+GqEJm1D51Q60IjgCtFAze/TdLRVmxSq+UP1tmmFLlM70C6jBqfadtQAQ11G3PSZ0/N9flTrdT9xi+";
