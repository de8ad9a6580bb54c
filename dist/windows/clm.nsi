; The Windows installer: makensis -DVERSION=... -DFOLDER=... -DOUT=... clm.nsi
; FOLDER holds the files; clm-VERSION-setup.exe /S installs without a question, /D=FOLDER
; (the last argument, without quotes) elsewhere. What clm keeps lies in %ProgramData%\clm;
; neither installing nor uninstalling touches it.

Unicode true
Target amd64-unicode
SetCompressor /SOLID lzma
SetDateSave off
RequestExecutionLevel admin
Name "clm ${VERSION}"
OutFile "${OUT}"
InstallDir "$PROGRAMFILES64\clm"
InstallDirRegKey HKLM "Software\clm" "Folder"
ShowInstDetails show

!include LogicLib.nsh
!include WinMessages.nsh
!include WordFunc.nsh
!insertmacro WordAdd
!insertmacro un.WordAdd

!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\clm"
!define ENVIRONMENT "SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
; A longer value would be cut when it is read: such a PATH is left alone.
!define PATH_MAX 1000

Page directory
Page instfiles
UninstPage uninstConfirm
UninstPage instfiles

; $0 is the PATH of all users, with the folder added or taken away.
!macro Path un sign
    ClearErrors
    ReadRegStr $0 HKLM "${ENVIRONMENT}" "Path"
    StrLen $1 $0
    StrLen $2 $INSTDIR
    IntOp $1 $1 + $2
    ${If} ${Errors}
    ${OrIf} $1 > ${PATH_MAX}
        DetailPrint "PATH could not be changed: $INSTDIR"
    ${Else}
        ${${un}WordAdd} $0 ";" "${sign}$INSTDIR" $0
        WriteRegExpandStr HKLM "${ENVIRONMENT}" "Path" $0
        SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=2000
    ${EndIf}
!macroend

Section
    SetShellVarContext all
    SetRegView 64
    SetOutPath $INSTDIR
    ClearErrors
    File "${FOLDER}\*.*"
    ${If} ${Errors}
        DetailPrint "A file is in use: end ers and clm-server, then install again."
        SetErrorLevel 1
        Abort
    ${EndIf}
    WriteUninstaller "$INSTDIR\uninstall.exe"
    WriteRegStr HKLM "Software\clm" "Folder" $INSTDIR
    WriteRegStr HKLM "${UNINSTALL}" "DisplayName" "clm"
    WriteRegStr HKLM "${UNINSTALL}" "DisplayVersion" "${VERSION}"
    WriteRegStr HKLM "${UNINSTALL}" "Publisher" "the clm authors"
    WriteRegStr HKLM "${UNINSTALL}" "InstallLocation" $INSTDIR
    WriteRegStr HKLM "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
    WriteRegStr HKLM "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
    WriteRegDWORD HKLM "${UNINSTALL}" "NoModify" 1
    WriteRegDWORD HKLM "${UNINSTALL}" "NoRepair" 1
    !insertmacro Path "" "+"
SectionEnd

Section un.
    SetShellVarContext all
    SetRegView 64
    Delete "$INSTDIR\clm.exe"
    Delete "$INSTDIR\ers.exe"
    Delete "$INSTDIR\clm-server.exe"
    Delete "$INSTDIR\clm-export.exe"
    Delete "$INSTDIR\README.md"
    Delete "$INSTDIR\CHANGELOG.md"
    Delete "$INSTDIR\SECURITY.md"
    Delete "$INSTDIR\LICENSE.txt"
    Delete "$INSTDIR\LICENSES.txt"
    Delete "$INSTDIR\completion.ps1"
    Delete "$INSTDIR\uninstall.exe"
    RMDir $INSTDIR
    !insertmacro Path "un." "-"
    DeleteRegKey HKLM "${UNINSTALL}"
    DeleteRegKey HKLM "Software\clm"
SectionEnd
