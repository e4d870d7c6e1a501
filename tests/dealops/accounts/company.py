"""A small OpenID Connect issuer over real HTTP, for tests: keys of its own, codes that work once, proof of possession (PKCE) checked."""

import base64
import hashlib
import json
import threading
import time
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

CLIENT, SECRET = "dealops-at-the-company", "client-secret-canary"


class Company:
    """`who` are the claims of whoever signs in next; `spoil` changes the ID token before it is signed."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.who, self.spoil, self.codes, self.asked = {}, {}, {}, []
        self.server = make_server("127.0.0.1", 0, self.answer, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()

    @Request.application
    def answer(self, request):
        self.asked.append(request.path)
        return getattr(self, request.path.strip("/").split("/")[-1].replace("-", "_"))(request)

    def openid_configuration(self, request):
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "userinfo_endpoint": "userinfo", "jwks_uri": "keys"}
        return self.json({"issuer": self.url, **{name: f"{self.url}/{path}" for name, path in places.items()}})

    def authorize(self, request):
        """The person agrees at once; the browser is sent back with a code."""
        code = hashlib.sha256(str(time.time_ns()).encode()).hexdigest()
        self.codes[code] = request.args.get("code_challenge")
        back = urlencode({"code": code, "state": request.args["state"]})
        return Response(status=302, headers={"Location": f"{request.args['redirect_uri']}?{back}"})

    def token(self, request):
        challenge = self.codes.pop(request.form.get("code"), None)
        proof = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
        if challenge is None or base64.urlsafe_b64encode(proof).decode().rstrip("=") != challenge:
            return self.json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, **self.who, **self.spoil}
        signed = jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "one"})
        return self.json({"access_token": "access-canary", "token_type": "Bearer", "expires_in": 300, "id_token": signed})

    def userinfo(self, request):
        return self.json(self.who)

    def keys(self, request):
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return self.json({"keys": [{**public, "kid": "one", "alg": "RS256", "use": "sig"}]})

    @staticmethod
    def json(body, status=200):
        return Response(json.dumps(body), status=status, content_type="application/json")
