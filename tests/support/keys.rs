//! RSA keys for tests alone, as bytes without their labels: they open nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The key of 2,048 bits as PEM, PKCS#8.
pub(crate) fn pkcs8() -> String {
    pem("PRIVATE KEY", RSA_2048)
}

/// The same key as PEM, PKCS#1.
pub(crate) fn pkcs1() -> String {
    let bytes = STANDARD.decode(RSA_2048).expect("base64");
    // What stands before the key in PKCS#8: its length, the version, the algorithm, an octet string.
    pem("RSA PRIVATE KEY", &STANDARD.encode(&bytes[26..]))
}

/// A key of 1,024 bits as PEM, PKCS#8.
pub(crate) fn short() -> String {
    pem("PRIVATE KEY", RSA_1024)
}

/// The public half of the key of 2,048 bits, as `ring` takes it (PKCS#1).
pub(crate) fn public() -> Vec<u8> {
    let bytes = STANDARD.decode(RSA_2048).expect("base64");
    let pair = ring::rsa::KeyPair::from_pkcs8(&bytes).expect("a key");
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
pub(crate) const RSA_2048: &str = "\
MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQDnwZMa/ym9EAr+sPncmkUM2wJXP54kFzsLXcIGsrW/uEP0LNLdf8t7JgnaaH\
O6QuJEcIjBkUiIT6RDoY4oCaSGxteRXkAOXQq2AC+V+aP2F8OUFFj2HR/vmZHVD3yv9n0aRXMkKfD9U0FtEGYwdVzB542I9QFiTnXJbGRPwsPc\
CDqu+w31eC+GaEH/8BfrpW7NbTY0fRbTEHCa2VirTFIsYvXmqaPQszxrPm65ZHIGmuGLly83IyaqnzWgogVusZuUuxkSFJnjh3xpgL5d9IL4R7\
Tn6kIygDXXYH0Zw4JjTYhBjjFw18Hu7/MuKb7OFjzXDBVuoBz1QKEzLY5bGQwrAgMBAAECggEAB89RpkDABtOCE1gia2k1d3vv5cHKkfvIbRch\
QTmHf2j1vUY/auByGnnLLjWD5Nx5JIZITYGYWKOabP8GO9orVbFgtVDgRrui70QtVlf9yv69BAH1h4GuwFPEAtKNSJ69U4PQoADb0qWaGFNLpk\
lmMVCcx+c9vzLWrE1/SeLN193MtbronHQDVO5dRVoUdkp+M+q4UEmLkdu3S9WCT4KLZQ+7Y/MizacmCuLiLhEFVMOk7nrhMSOnQBjzBu1x7AZe\
TAks7JMBeATBi3o0LC3CNiXOtyxDYq2ERtVK3wA7RCmpbDCwrB57C6lMXbB3HP8IwKU9aqFrq7lEzUintOFqHQKBgQD1Ggm57V+5cIG9PZtlnA\
oam+wa0qvInRyi6nKmp7gbjXSMcs65Zp7YrulgZQeJd0Oha4+9yy31aZjuCiNy4uEUYQzwREUV1Qk/4JJELjEjLqWeu2sM5cY1ZiI55GkiH43Q\
54ASWG6vvB6vdvxhdHkNmJT0lVOkfvNS5dvgdA5+RQKBgQDyD6A0omxLFldlqyo8JliP5oQJPY1lOzGCvmQ+j0Y2jPMcsfuh7vuPmxKvv4D4WX\
Fd5qwyiQM7Ir9TIsF5KgGF8BrG8SxNKuyjjpUllOhdMLzv3a04UgMXhulUnqaPR99LGoUu0vWKvAWY6kH2a9qIenPgH/fgBCHGylbWs2L/rwKB\
gQDSjXKriRJBcDfTxJe4+wnm/+kcxbuSk/0kqvig19Wdva/Qc1PJCzIL/H45M7D80zqC8a7CoUcy2mromkcHi4VFh3Wg9VTPw3m1qQqdjXzit1\
DJgkEdDEpwVvOx/die2rJuMmDf4Z38U0OdAj8ezPqsxlW3oov+9Ju8q/9t2uUUbQKBgQCDho4MS30AR8FxUtH+IO/aMOzpgHKF4OYEHqOlgoAq\
P+gRXXxW/t3dp+s9Z5cSWrdIyIAkbWI+DaFb8PSje3mcZ1yFYKIrw/kU3fKYmxKvID5pL1Bh294mOH4sJpBmJi1kR6K6UJJusb9w2UjCNtRld/\
PigjxTkqsvst4AhzRxrQKBgQCbZSA4fgJuJ+zxC3oOpKI6ATFtv/4vol3LNFthMkGQwJuj460VDROcHN+IfWMqRQT885S5NfrGq5WrdiI09AaZ\
1Ird56zW83k3YINXoHuvReASvpwxiqfj10GXBs8OA6Uw8CXQw122zyeX2KPsgYAMEyIlqWfWcPu81xQAN8Z5EQ==";

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
