// TLS servers for postquantum_test.py, each on a port of its own: argument 1 is JSON, a list of
//   {"keys": ["ml-dsa-65", "ec"], "groups": "X25519MLKEM768"}
// Answers with a line of JSON: [{"port": 1, "sha256": {"ml-dsa-65": "hex"}}], and serves until it is killed.
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { createServer } from 'node:tls'

const length = n => n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255]
const der = (tag, ...parts) => {
    const body = Buffer.concat(parts.map(part => Buffer.from(part)))
    return Buffer.concat([Buffer.from([tag, ...length(body.length)]), body])
}
const sequence = (...parts) => der(0x30, ...parts)
const oid = hex => der(0x06, Buffer.from(hex, 'hex'))

// RFC 9881: id-ml-dsa-44 to 87 are 2.16.840.1.101.3.4.3.17 to 19; RFC 5758: ecdsa-with-SHA256.
const algorithms = {
    'ml-dsa-44': '608648016503040311', 'ml-dsa-65': '608648016503040312', 'ml-dsa-87': '608648016503040313',
    ec: '2a8648ce3d040302',
}

function certify(kind) {
    const { publicKey, privateKey } = kind === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync(kind)
    const algorithm = sequence(oid(algorithms[kind]))
    const name = sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(kind + '.test')))))
    const time = text => der(0x17, Buffer.from(text))
    const usage = sequence(oid('551d0f'), der(0x04, der(0x03, [7, 0x80])))
    const names = sequence(oid('551d11'), der(0x04, sequence(der(0x82, Buffer.from('pq.test')))))
    const signed = sequence(der(0xa0, der(0x02, [2])), der(0x02, [1, 2, 3]), algorithm, name,
        sequence(time('260101000000Z'), time('350101000000Z')), name, publicKey.export({ type: 'spki', format: 'der' }),
        der(0xa3, sequence(usage, names)))
    const signature = sign(kind === 'ec' ? 'sha256' : null, signed, privateKey)
    const whole = sequence(signed, algorithm, der(0x03, [0], signature))
    const pem = '-----BEGIN CERTIFICATE-----\n' + whole.toString('base64').match(/.{1,64}/g).join('\n') + '\n-----END CERTIFICATE-----\n'
    return { cert: pem, key: privateKey.export({ type: 'pkcs8', format: 'pem' }), sha256: createHash('sha256').update(whole).digest('hex') }
}

function serve({ keys, groups }) {
    const made = keys.map(certify)
    const server = createServer({ cert: made.map(m => m.cert), key: made.map(m => m.key), ecdhCurve: groups ?? 'auto' })
    server.on('tlsClientError', () => {})
    return new Promise(done => server.listen(0, '127.0.0.1', () => done({
        port: server.address().port, sha256: Object.fromEntries(keys.map((kind, i) => [kind, made[i].sha256])),
    })))
}

console.log(JSON.stringify(await Promise.all(JSON.parse(process.argv[2]).map(serve))))
