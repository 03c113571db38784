from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

app = FastAPI()
# ruleid: cors-open-with-credentials
app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
# ok: cors-open-with-credentials
app.add_middleware(CORSMiddleware, allow_origins=["https://example.org"], allow_credentials=True)
# ok: cors-open-with-credentials
app.add_middleware(CORSMiddleware, allow_origins=["*"])
